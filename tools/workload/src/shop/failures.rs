//! How things fail: exceptions with messages and stack traces, by language.

use crate::shop::services::Language;

/// One way to fail.
pub struct Failure {
    /// `exception.type` and `error.type`.
    pub kind: &'static str,
    /// `exception.message`, with gaps.
    pub message: &'static str,
    /// `exception.stacktrace` below its first line.
    pub stack: &'static str,
}

/// The ways in which code of this language fails, the likeliest first.
pub const fn failures(language: Language) -> &'static [Failure] {
    match language {
        Language::Java => JAVA,
        Language::Node => NODE,
        Language::Python => PYTHON,
        Language::DotNet => DOTNET,
        Language::Go => GO,
        Language::Ruby => RUBY,
        Language::Cpp | Language::Rust => NATIVE,
    }
}

const JAVA: &[Failure] = &[
    Failure {
        kind: "java.sql.SQLTransientConnectionException",
        message: "HikariPool-1 - Connection is not available, request timed out after 30{number}ms.",
        stack: "\tat com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:696)
\tat com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:181)
\tat com.zaxxer.hikari.HikariDataSource.getConnection(HikariDataSource.java:128)
\tat org.springframework.jdbc.datasource.DataSourceUtils.fetchConnection(DataSourceUtils.java:160)
\tat org.springframework.jdbc.core.JdbcTemplate.execute(JdbcTemplate.java:653)
\tat shop.store.JdbcRepository.query(JdbcRepository.java:88)
\tat shop.api.GrpcEndpoint.handle(GrpcEndpoint.java:141)
\tat io.grpc.stub.ServerCalls$UnaryServerCallHandler.invoke(ServerCalls.java:182)
\tat io.grpc.internal.ServerCallImpl.halfClosed(ServerCallImpl.java:331)
\tat java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1144)
\tat java.base/java.lang.Thread.run(Thread.java:1583)\n",
    },
    Failure {
        kind: "java.util.concurrent.TimeoutException",
        message: "Did not observe any item or terminal signal within 2000ms in 'flatMap' (request {hex})",
        stack: "\tat reactor.core.publisher.FluxTimeout$TimeoutMainSubscriber.handleTimeout(FluxTimeout.java:296)
\tat reactor.core.publisher.FluxTimeout$TimeoutMainSubscriber.doTimeout(FluxTimeout.java:281)
\tat reactor.core.scheduler.SchedulerTask.call(SchedulerTask.java:68)
\tat java.base/java.util.concurrent.FutureTask.run(FutureTask.java:317)
\tat java.base/java.lang.Thread.run(Thread.java:1583)\n",
    },
    Failure {
        kind: "java.lang.IllegalStateException",
        message: "stock of product {product} would become negative",
        stack: "\tat shop.inventory.Ledger.reserve(Ledger.java:212)
\tat shop.inventory.ReservationService.reserve(ReservationService.java:77)
\tat shop.api.GrpcEndpoint.handle(GrpcEndpoint.java:141)
\tat io.grpc.internal.ServerCallImpl.halfClosed(ServerCallImpl.java:331)
\tat java.base/java.lang.Thread.run(Thread.java:1583)\n",
    },
];

const NODE: &[Failure] = &[
    Failure {
        kind: "FetchError",
        message: "request to http://api-gateway:8080/ failed, reason: connect ECONNREFUSED 10.12.0.{number}:8080",
        stack: "    at ClientRequest.<anonymous> (/app/node_modules/node-fetch/lib/index.js:1505:11)
    at ClientRequest.emit (node:events:518:28)
    at emitErrorEvent (node:_http_client:104:11)
    at Socket.socketErrorListener (node:_http_client:512:5)
    at emitErrorNT (node:internal/streams/destroy:170:8)
    at process.processTicksAndRejections (node:internal/process/task_queues:90:21)\n",
    },
    Failure {
        kind: "CardDeclinedError",
        message: "card of {user} was declined: insufficient_funds",
        stack: "    at charge (/app/src/providers/acquirer.js:118:13)
    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)
    at async PaymentService.charge (/app/src/service.js:64:20)
    at async Object.onReceiveHalfClose (/app/node_modules/@grpc/grpc-js/build/src/server.js:1215:17)\n",
    },
];

const PYTHON: &[Failure] = &[
    Failure {
        kind: "redis.exceptions.TimeoutError",
        message: "Timeout reading from redis-recommendation:6379",
        stack: "Traceback (most recent call last):
  File \"/app/recommendation_server.py\", line 142, in ListRecommendations
    ids = self.cache.smembers(key)
  File \"/usr/lib/python3.12/site-packages/redis/commands/core.py\", line 3380, in smembers
    return self.execute_command(\"SMEMBERS\", name)
  File \"/usr/lib/python3.12/site-packages/redis/client.py\", line 559, in execute_command
    return self._execute_command(*args, **options)\n",
    },
    Failure {
        kind: "KeyError",
        message: "'{product}'",
        stack: "Traceback (most recent call last):
  File \"/app/features.py\", line 57, in vector
    return self._vectors[product_id]
           ~~~~~~~~~~~~~^^^^^^^^^^^^\n",
    },
];

const DOTNET: &[Failure] = &[
    Failure {
        kind: "StackExchange.Redis.RedisTimeoutException",
        message: "Timeout performing HGET ({number}ms), next: HGETALL cart:{user}, inst: 0, qu: 0, qs: 7",
        stack: "   at StackExchange.Redis.ConnectionMultiplexer.ExecuteAsyncImpl[T](Message message)
   at Shop.Cart.Store.RedisCartStore.GetCartAsync(String userId) in /src/Store/RedisCartStore.cs:line 171
   at Shop.Cart.Services.CartService.GetCart(GetCartRequest request, ServerCallContext context) in /src/Services/CartService.cs:line 62
   at Grpc.AspNetCore.Server.Internal.CallHandlers.UnaryServerCallHandler`3.HandleCallAsyncCore(HttpContext httpContext)\n",
    },
    Failure {
        kind: "Npgsql.PostgresException",
        message: "40001: could not serialize access due to concurrent update",
        stack: "   at Npgsql.Internal.NpgsqlConnector.ReadMessageLong(Boolean async)
   at Npgsql.NpgsqlDataReader.NextResult(Boolean async)
   at Shop.Orders.OrderStore.SaveAsync(Order order) in /src/OrderStore.cs:line 93\n",
    },
];

const GO: &[Failure] = &[
    Failure {
        kind: "*status.Error",
        message: "rpc error: code = DeadlineExceeded desc = context deadline exceeded after 2.{number}s",
        stack: "goroutine 4711 [running]:
go.opentelemetry.io/otel/sdk/trace.recordStackTrace()
\t/go/pkg/mod/go.opentelemetry.io/otel/sdk@v1.35.0/trace/span.go:525 +0x29
main.(*checkout).prepareOrderItems(0xc0000e8000)
\t/src/checkout/main.go:388 +0x1a5
main.(*checkout).PlaceOrder(0xc0000e8000)
\t/src/checkout/main.go:261 +0x5b9\n",
    },
    Failure {
        kind: "*net.OpError",
        message: "dial tcp 10.12.4.{number}:9004: connect: connection refused",
        stack: "goroutine 88 [running]:
net.(*Dialer).DialContext(0xc00051a120)
\t/usr/local/go/src/net/dial.go:539 +0x5de
main.(*gateway).ServeHTTP(0xc0001b2000)
\t/src/gateway/main.go:172 +0x2f4\n",
    },
];

const RUBY: &[Failure] = &[Failure {
    kind: "Net::SMTPServerBusy",
    message: "451 4.3.2 please try again later (session {hex})",
    stack: "/usr/lib/ruby/3.4.0/net/smtp.rb:1041:in 'Net::SMTP#check_response'
/usr/lib/ruby/3.4.0/net/smtp.rb:1009:in 'Net::SMTP#getok'
/app/email_server.rb:39:in 'Object#send_confirmation'
/app/email_server.rb:21:in 'block in <main>'\n",
}];

const NATIVE: &[Failure] = &[Failure {
    kind: "TransportError",
    message: "broken pipe while answering {address}",
    stack: "   0: shop::transport::write_all\n   1: shop::server::answer\n   2: shop::main\n",
}];
