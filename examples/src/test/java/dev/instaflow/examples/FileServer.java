package dev.instaflow.examples;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Serves byte arrays on loopback, with ranges, and misbehaves where a test asks it to. */
final class FileServer implements AutoCloseable {
    /** How a file is answered. */
    enum Manner {
        /** With 206 for a range, 416 for one past the end. */
        RANGES,
        /** Always whole, whatever was asked. */
        WHOLE_ONLY,
        /** The first request breaks off in the middle, later ones are {@link #RANGES}. */
        BREAKS_OFF_ONCE,
        /** Every request breaks off in the middle of the file. */
        BREAKS_OFF_ALWAYS
    }

    /** One request as it came. */
    record Request(String path, String range, String authorization) {}

    private record Served(int status, String contentType, byte[] body, Manner manner) {}

    private final HttpServer server;
    private final Map<String, Served> files = new ConcurrentHashMap<>();
    private final List<Request> requests = new CopyOnWriteArrayList<>();

    FileServer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    String baseUrl() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    List<Request> requests() {
        return List.copyOf(requests);
    }

    void forgetRequests() {
        requests.clear();
    }

    void serve(String path, byte[] body) {
        serve(path, body, Manner.RANGES);
    }

    void serve(String path, byte[] body, Manner manner) {
        files.put(path, new Served(200, "application/octet-stream", body, manner));
    }

    void serveAs(String contentType, String path, String body) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        files.put(path, new Served(200, contentType, bytes, Manner.RANGES));
    }

    void refuse(String path, int status) {
        byte[] page = "<html>no</html>".getBytes(StandardCharsets.UTF_8);
        files.put(path, new Served(status, "text/html", page, Manner.WHOLE_ONLY));
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().toString();
        String range = exchange.getRequestHeaders().getFirst("Range");
        requests.add(
                new Request(path, range, exchange.getRequestHeaders().getFirst("Authorization")));
        Served file = files.get(path);
        try (exchange) {
            if (file == null) {
                exchange.sendResponseHeaders(404, -1);
                return;
            }
            exchange.getResponseHeaders().set("Content-Type", file.contentType);
            send(exchange, path, file, range);
        }
    }

    private void send(HttpExchange exchange, String path, Served file, String range)
            throws IOException {
        byte[] body = file.body;
        int from = range == null || file.manner == Manner.WHOLE_ONLY ? 0 : firstByte(range);
        if (from > 0 && from >= body.length) {
            exchange.getResponseHeaders().set("Content-Range", "bytes */" + body.length);
            exchange.sendResponseHeaders(416, -1);
            return;
        }
        int status = file.status;
        if (from > 0) {
            exchange.getResponseHeaders()
                    .set(
                            "Content-Range",
                            "bytes " + from + "-" + (body.length - 1) + "/" + body.length);
            status = 206;
        }
        int to = body.length;
        if (file.manner == Manner.BREAKS_OFF_ONCE || file.manner == Manner.BREAKS_OFF_ALWAYS) {
            to = Math.max(from, body.length / 2);
        }
        if (file.manner == Manner.BREAKS_OFF_ONCE) {
            files.put(path, new Served(file.status, file.contentType, body, Manner.RANGES));
        }
        exchange.sendResponseHeaders(status, body.length - from);
        exchange.getResponseBody().write(body, from, to - from);
        exchange.getResponseBody().flush();
    }

    private static int firstByte(String range) {
        return Integer.parseInt(range.substring("bytes=".length(), range.indexOf('-')));
    }
}
