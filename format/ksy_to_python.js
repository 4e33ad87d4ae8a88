// Compiles the descriptions beside this file to Python modules: ksy_to_python.js FOLDER.
// Needs the npm packages kaitai-struct-compiler and js-yaml.
"use strict";

const fs = require("fs");
const path = require("path");
const compiler = require("kaitai-struct-compiler");
const yaml = require("js-yaml");

const read = (name) => yaml.load(fs.readFileSync(path.join(__dirname, `${name}.ksy`), "utf8"));
const importer = { importYaml: (name) => Promise.resolve(read(name)) };

async function main(folder) {
  fs.mkdirSync(folder, { recursive: true });
  for (const file of fs.readdirSync(__dirname).filter((name) => name.endsWith(".ksy"))) {
    const modules = await compiler.compile("python", read(path.parse(file).name), importer, false);
    for (const [name, text] of Object.entries(modules)) {
      fs.writeFileSync(path.join(folder, name), text);
    }
  }
}

main(process.argv[2]).catch((error) => {
  console.error(String(error));
  process.exit(1);
});
