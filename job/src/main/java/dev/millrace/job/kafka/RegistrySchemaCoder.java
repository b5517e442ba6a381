package dev.millrace.job.kafka;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.schemas.MalformedRecordException;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaParseException;
import org.apache.flink.formats.avro.SchemaCoder;

/**
 * Schemas by number, in the Confluent wire format: a zero byte and the schema's number, big endian, before each record. The
 * numbers are given out by any registry with Confluent's REST interface.
 */
final class RegistrySchemaCoder implements SchemaCoder {

    static final int HEADER = 5;

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int NOT_FOUND = 404;

    private final SchemaRegistry registry;
    private final String subject;
    private final HttpClient http;
    private final Map<Integer, Schema> schemas = new HashMap<>();
    private final Map<Schema, Integer> numbers = new HashMap<>();

    RegistrySchemaCoder(SchemaRegistry registry, String subject) {
        this.registry = registry;
        this.subject = subject;
        this.http = registry.client();
    }

    @Override
    public Schema readSchema(InputStream in) throws IOException {
        if (in.available() < HEADER || in.read() != 0) {
            throw malformed("the value does not start with the Confluent wire format's header (a zero byte and the"
                    + " schema's number in 4 bytes). Is it written in the format that this job reads?");
        }
        int number = new DataInputStream(in).readInt();
        Schema schema = schemas.get(number);
        if (schema == null) {
            schema = fetch(number);
            schemas.put(number, schema);
        }
        return schema;
    }

    @Override
    public void writeSchema(Schema schema, OutputStream out) throws IOException {
        Integer number = numbers.get(schema);
        if (number == null) {
            number = register(schema);
            numbers.put(schema, number);
        }
        out.write(0);
        new DataOutputStream(out).writeInt(number);
    }

    private Schema fetch(int number) throws IOException {
        HttpResponse<String> response = send("GET", "/schemas/ids/" + number, BodyPublishers.noBody());
        if (response.statusCode() == NOT_FOUND) {
            throw malformed("the registry at " + registry.resolve("") + " knows no schema number " + number);
        }
        JsonNode body = json(response);
        String type = body.path("schemaType").asText("AVRO");
        if (!type.equals("AVRO")) {
            throw malformed("schema number " + number + " is of type " + type + "; AVRO is read");
        }
        try {
            return new Schema.Parser().parse(body.path("schema").asText());
        } catch (SchemaParseException e) {
            throw new MalformedRecordException("schema number " + number + " is no valid Avro schema", e);
        }
    }

    private int register(Schema schema) throws IOException {
        String body = MAPPER.writeValueAsString(Map.of("schema", schema.toString()));
        return json(send("POST", "/subjects/" + subject + "/versions", BodyPublishers.ofString(body)))
                .path("id")
                .asInt();
    }

    private HttpResponse<String> send(String method, String path, BodyPublisher body) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(registry.resolve(path))
                .timeout(SchemaRegistry.PATIENCE)
                .header("Content-Type", "application/vnd.schemaregistry.v1+json")
                .method(method, body);
        registry.authorization().ifPresent(user -> request.header("Authorization", user));
        try {
            return http.send(request.build(), BodyHandlers.ofString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while the schema registry was asked");
        } catch (IOException e) {
            throw new IOException("the schema registry at " + registry.resolve(path) + " does not answer", e);
        }
    }

    private static JsonNode json(HttpResponse<String> response) throws IOException {
        if (response.statusCode() != 200) {
            throw new IOException(
                    "the schema registry answered " + response.request().method() + " " + response.uri() + " with "
                            + response.statusCode() + " " + response.body());
        }
        try {
            return MAPPER.readTree(response.body());
        } catch (JsonProcessingException e) {
            throw new IOException("the schema registry's answer to " + response.uri() + " is no JSON", e);
        }
    }

    private static MalformedRecordException malformed(String message) {
        return new MalformedRecordException(message, (String) null);
    }
}
