package dev.millrace.schemas.avro;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;

/**
 * Every schema by which a record type was ever written, by fingerprint (CRC-64-AVRO of the canonical form). Released
 * schemas are the resources {@code history/TYPE-1.avsc}, {@code TYPE-2.avsc} and so on, beside this class.
 */
public final class SchemaHistory {

    private final Map<Long, Schema> byFingerprint = new HashMap<>();

    /** The released schemas of a type and {@code current} itself. */
    public static SchemaHistory of(Schema current) {
        SchemaHistory history = new SchemaHistory();
        history.add(current);
        for (int version = 1; history.tryAddReleased(current.getName(), version); version++) {}
        return history;
    }

    private boolean tryAddReleased(String name, int version) {
        String resource = "history/" + name + "-" + version + ".avsc";
        try (InputStream in = SchemaHistory.class.getResourceAsStream(resource)) {
            if (in == null) {
                return false;
            }
            add(new Schema.Parser().parse(in));
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException("schema " + resource + " on the class path cannot be read", e);
        }
    }

    void add(Schema schema) {
        byFingerprint.put(fingerprint(schema), schema);
    }

    /** The schema with this fingerprint, or null. */
    Schema find(long fingerprint) {
        return byFingerprint.get(fingerprint);
    }

    static long fingerprint(Schema schema) {
        return SchemaNormalization.parsingFingerprint64(schema);
    }
}
