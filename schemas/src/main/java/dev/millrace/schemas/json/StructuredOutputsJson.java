package dev.millrace.schemas.json;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.StructuredOutputs;
import java.util.Set;

/** What an answer must look like: vLLM's {@code structured_outputs} and OpenAI's {@code response_format}, taken together. */
final class StructuredOutputsJson {

    private static final String FIELD = "structured_outputs";
    private static final String FORMAT = "response_format";
    private static final Set<String> FIELDS = Set.of("json", "regex", "choice", "grammar", "json_object");

    private StructuredOutputsJson() {}

    /** Null if nothing is asked. */
    static StructuredOutputs read(JsonFields body) throws MalformedRecordException {
        JsonFields fields = body.fields(FIELD);
        JsonFields format = body.fields(FORMAT);
        String type = format == null ? "text" : format.text("type");
        if (fields == null && "text".equals(type)) {
            return null;
        }
        StructuredOutputs outputs = fields == null ? new StructuredOutputs() : given(fields);
        if (format != null) {
            add(format, type, outputs);
        }
        return outputs;
    }

    private static StructuredOutputs given(JsonFields fields) throws MalformedRecordException {
        ObjectNode asking = fields.object().deepCopy();
        asking.properties()
                .removeIf(field ->
                        field.getValue().isBoolean() && !field.getValue().booleanValue());
        KnownFields.allowOnly(new JsonFields(asking, fields.path()), FIELDS);
        return StructuredOutputs.newBuilder()
                .setJson(schema(fields, "json"))
                .setRegex(fields.text("regex"))
                .setChoice(fields.list("choice", JsonFields::text))
                .setGrammar(fields.text("grammar"))
                .setJsonObject(fields.flag("json_object", false))
                .build();
    }

    private static void add(JsonFields format, String type, StructuredOutputs outputs) throws MalformedRecordException {
        switch (type == null ? "" : type) {
            case "text" -> {}
            case "json_object" -> outputs.setJsonObject(true);
            case "json_schema" -> {
                JsonFields named = format.fields("json_schema");
                String schema = named == null ? null : schema(named, "schema");
                if (schema == null) {
                    String path = format.pathOf("json_schema.schema");
                    throw new MalformedRecordException(path + " is missing, where the type is json_schema", path);
                }
                outputs.setJson(schema);
            }
            default -> throw new MalformedRecordException(
                    format.pathOf("type") + " must be one of text, json_object, json_schema, got "
                            + (type == null ? "none" : "\"" + type + "\""),
                    format.pathOf("type"));
        }
    }

    /** A schema as text, which it may be already, or null. */
    private static String schema(JsonFields fields, String name) throws MalformedRecordException {
        JsonNode schema = fields.node(name);
        if (schema == null || schema.isTextual()) {
            return fields.text(name);
        }
        if (!schema.isObject() && !schema.isBoolean()) {
            throw JsonFields.refused(schema, fields.pathOf(name), "a JSON schema, or one as a string");
        }
        return JsonFields.wholeCharacters(schema.toString(), fields.pathOf(name));
    }

    static ObjectNode write(StructuredOutputs outputs) {
        ObjectNode fields = Json.MAPPER.createObjectNode();
        fields.put("json", outputs.getJson());
        fields.put("regex", outputs.getRegex());
        fields.set("choice", Json.MAPPER.valueToTree(outputs.getChoice()));
        fields.put("grammar", outputs.getGrammar());
        if (outputs.getJsonObject()) {
            fields.put("json_object", true);
        }
        fields.properties().removeIf(field -> field.getValue().isNull());
        return fields;
    }
}
