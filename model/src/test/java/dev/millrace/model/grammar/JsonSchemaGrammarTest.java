package dev.millrace.model.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import dev.millrace.model.grammar.GrammarSource.Kind;
import dev.millrace.model.grammar.automaton.GrammarException;
import java.math.BigDecimal;
import java.util.Random;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** JSON schemas, held to networknt's validator. */
class JsonSchemaGrammarTest {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final JsonSchemaFactory REFERENCE = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);
    private static final SchemaValidatorsConfig STRICT =
            SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build();

    private final GrammarCompiler compiler = Vocabularies.demo();

    @Test
    void everyAnswerIsValidAndValidDocumentsAreAllowed() throws JsonProcessingException {
        Random random = new Random(3);
        int answers = 0;
        int allowed = 0;
        for (int i = 0; i < 1_500; i++) {
            RandomSchemas.Made made = new RandomSchemas(random).schema(3);
            String schema = made.schema().toString();
            JsonSchema reference = REFERENCE.getSchema(made.schema(), STRICT);
            Grammar grammar = compile(schema);
            String answer = Vocabularies.sample(grammar, random);
            if (answer != null) {
                assertValid(reference, answer, schema);
                answers++;
            }
            for (int k = 0; k < 3; k++) {
                String document = made.document();
                assertValid(reference, document, schema);
                assertThat(Vocabularies.allows(grammar, document))
                        .as("%s by %s", document, schema)
                        .isTrue();
                allowed++;
            }
        }
        assertThat(answers).isGreaterThan(1_000);
        assertThat(allowed).isEqualTo(4_500);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'type':'integer','minimum':-37,'maximum':1204}",
                "{'type':'integer','exclusiveMinimum':99}",
                "{'type':'integer','maximum':-7}",
                "{'type':'number','minimum':-1.25,'exclusiveMaximum':3.5}",
                "{'type':'number','exclusiveMinimum':0,'maximum':0.1}",
                "{'type':'number','minimum':12.05}",
                "{'type':'number','exclusiveMaximum':-100}",
                "{'type':'integer','minimum':0.5,'maximum':17.5}"
            })
    void numbersAreAllowedWithinTheirBoundsAlone(String quoted) throws JsonProcessingException {
        String schema = quoted.replace('\'', '"');
        JsonSchema reference = REFERENCE.getSchema(schema);
        Grammar grammar = compile(schema);
        boolean integer = schema.contains("integer");
        Random random = new Random(8);
        int inside = 0;
        for (int i = 0; i < 1_500; i++) {
            String number = integer
                    ? Integer.toString(random.nextInt(3_000) - 1_500)
                    : new BigDecimal(random.nextInt(4_000_000) - 2_000_000)
                            .movePointLeft(random.nextInt(8))
                            .toPlainString();
            boolean valid = reference.validate(MAPPER.readTree(number)).isEmpty();
            inside += valid ? 1 : 0;
            assertThat(Vocabularies.allows(grammar, number))
                    .as("%s by %s", number, schema)
                    .isEqualTo(valid);
        }
        assertThat(inside).isBetween(1, 1_499);
        for (int i = 0; i < 50; i++) {
            String answer = Vocabularies.sample(grammar, random);
            if (answer != null) {
                assertValid(reference, answer, schema);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "date",
                "time",
                "date-time",
                "duration",
                "hostname",
                "ipv4",
                "ipv6",
                "uuid",
                "uri",
                "json-pointer"
            })
    void stringsOfAFormatAreSuch(String format) throws JsonProcessingException {
        String schema = "{\"type\":\"string\",\"format\":\"" + format + "\"}";
        JsonSchema reference = REFERENCE.getSchema(schema, STRICT);
        Grammar grammar = compile(schema);
        Random random = new Random(4);
        for (int i = 0; i < 60; i++) {
            String answer = Vocabularies.sample(grammar, random);
            if (answer != null) {
                assertValid(reference, answer, schema);
            }
        }
    }

    /** By HTML's definition of a valid address; networknt also has a list of top-level domains. */
    @Test
    void addressesOfMailAreSuch() throws JsonProcessingException {
        String label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
        Pattern html = Pattern.compile("[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@" + label + "(?:\\." + label + ")*");
        Grammar grammar = compile("{\"type\":\"string\",\"format\":\"email\"}");
        Random random = new Random(4);
        for (int i = 0; i < 60; i++) {
            String answer = Vocabularies.sample(grammar, random);
            if (answer != null) {
                assertThat(MAPPER.readTree(answer).textValue()).matches(html);
            }
        }
        assertThat(Vocabularies.allows(grammar, "\"first.last+tag@mail.example.org\""))
                .isTrue();
    }

    @Test
    void aSchemaMayReferToItself() throws JsonProcessingException {
        String schema =
                """
                {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "required": ["v"],
                 "properties": {"v": {"type": "integer"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}}}
                """;
        Grammar grammar = compile(schema);
        String deep = "{\"v\":1}";
        for (int i = 0; i < 40; i++) {
            deep = "{\"v\": " + i + ", \"kids\": [" + deep + ", {\"v\":-0}]}";
        }
        assertValid(REFERENCE.getSchema(schema), deep, schema);
        assertThat(Vocabularies.allows(grammar, deep)).isTrue();
        assertThat(Vocabularies.allows(grammar, deep.replace("-0", "-x"))).isFalse();
        assertThat(Vocabularies.allows(grammar, deep + "}")).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'type':'object'} | {} | true",
                "{'type':'object'} | {'a': [1, {'b': null}]} | true",
                "{'type':'object'} | [1] | false",
                "{'type':'object','properties':{'a':{},'b':{}},'required':['b']} | {'b':1} | true",
                "{'type':'object','properties':{'a':{},'b':{}},'required':['b']} | {'a':1} | false",
                "{'type':'object','properties':{'a':{},'b':{}},'required':['b']} | {'b':1,'c':2} | false",
                "{'properties':{'a':{}},'additionalProperties':true} | {'a':1,'c':2,'d':3} | true",
                "{'properties':{'a':{}},'additionalProperties':{'type':'null'}} | {'c':null,'a2':null} | true",
                "{'properties':{'a':{'type':'null'}},'additionalProperties':{'type':'string'}} | {'a':'x'} | false",
                "{'enum':['a','b',3,null,{'k':[1,2]}]} | {'k':[1,2]} | true",
                "{'enum':['a','b',3,null]} | 'c' | false",
                "{'type':'string','enum':['a',3]} | 3 | false",
                "{'type':'string','enum':['a','aaa'],'maxLength':2} | 'aaa' | false",
                "{'anyOf':[{'type':'string','maxLength':3},{'type':'boolean'}]} | true | true",
                "{'anyOf':[{'type':'string','maxLength':3},{'type':'boolean'}]} | 'abcd' | false",
                "{'oneOf':[{'type':'string'},{'type':'integer'}]} | 12 | true",
                "{'allOf':[{'type':'integer','minimum':3},{'maximum':5}]} | 6 | false",
                "{'allOf':[{'type':'integer','minimum':3},{'maximum':5}]} | 5 | true",
                "{'type':['string','null'],'minLength':1} | null | true",
                "{'type':['string','null'],'minLength':1} | '' | false",
                "{'type':'array','prefixItems':[{'type':'integer'},{'type':'boolean'}],'minItems':1} | [3] | true",
                "{'type':'array','prefixItems':[{'type':'integer'},{'type':'boolean'}],'minItems':1} | [3,true,1] | false",
                "{'type':'array','prefixItems':[{'type':'integer'}],'items':{'type':'null'},'maxItems':3} | [3,null,null] | true",
                "{'type':'array','prefixItems':[{'type':'integer'}],'items':{'type':'null'},'maxItems':3} | [3,null,null,null] | false",
                "{'type':'array','items':{'type':'integer'},'minItems':2,'maxItems':3} | [1] | false",
                "{'type':'string','pattern':'^[a-c]+$','minLength':2,'maxLength':3} | 'abca' | false",
                "{'type':'string','pattern':'b','maxLength':3} | 'abc' | true",
                "{'type':'string','maxLength':2} | '🙂世' | true",
                "{'const':'tab\\there'} | 'tab\\there' | true",
                "{'type':'string'} | '\\u00e9\\ud83d\\ude42\\/' | true",
                "{'type':'string'} | '\\ud83d' | false",
                "true | [1,2,{'x':'y'}] | true"
            })
    void documentsAreAllowedOrNot(String schema, String document, boolean expected) {
        Grammar grammar = compile(schema.replace('\'', '"'));
        assertThat(Vocabularies.allows(grammar, document.replace('\'', '"'))).isEqualTo(expected);
    }

    @Test
    void whiteSpaceMayStandBetweenPartsAndNowhereElse() {
        Grammar grammar = compile("{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}");
        assertThat(Vocabularies.allows(grammar, "[ \n\t1 ,\n  2\t]")).isTrue();
        assertThat(Vocabularies.allows(grammar, " [1]")).isFalse();
        assertThat(Vocabularies.allows(grammar, "[1] ")).isFalse();
        assertThat(Vocabularies.allows(grammar, "[1 0]")).isFalse();
        assertThat(Vocabularies.allows(grammar, "[1,\r2]")).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'type':'integer','multipleOf':3} | multipleOf",
                "{'type':'array','uniqueItems':true} | uniqueItems",
                "{'type':'array','contains':{}} | contains",
                "{'type':'object','patternProperties':{'a':{}}} | patternProperties",
                "{'type':'object','propertyNames':{'pattern':'a'}} | propertyNames",
                "{'type':'object','minProperties':3} | minProperties",
                "{'not':{'type':'string'}} | not",
                "{'if':{},'then':{}} | if",
                "{'type':'string','format':'regex'} | format",
                "{'type':'string','pattern':'(a)\\\\1'} | back references",
                "{'type':'text'} | is not one of",
                "{'type':'object','properties':{'a':{'type':'array','uniqueItems':true}}} | property a: uniqueItems",
                "{'oneOf':[{'type':'integer'},{'type':'number'}]} | Use anyOf",
                "{'$ref':'#/nothing'} | refers to nothing",
                "{'$ref':'https://example.org/s'} | not supported",
                "{'$ref':'#'} | no text fits",
                "{'type':'object','required':['a'],'properties':{},'additionalProperties':false} | required property",
                "{'type':'object','required':['a'],'properties':{'a':{'$ref':'#'}}} | no text fits",
                "{'type':'string','minLength':3,'maxLength':2} | maxLength",
                "{'type':'string','maxLength':-2} | maxLength",
                "{'type':'string','maxLength':99999999} | too large",
                "{'type':'integer','minimum':1e999999} | digits",
                "{'type':'integer','minimum':3,'maximum':2} | no text fits",
                "[1] | a schema is an object",
                "{'type' | it is not JSON",
                "{} {} | it is not JSON",
                "{'enum':[]} | none of the values",
                "{'type':'array','items':[{}]} | prefixItems"
            })
    void whatCannotBeHeldToIsRefusedByName(String schema, String message) {
        assertThatThrownBy(() -> compile(schema.replace('\'', '"')))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining(message);
    }

    @Test
    void referencesThatMultiplyAreRefused() {
        StringBuilder schema = new StringBuilder("{\"$ref\":\"#/$defs/a0\",\"$defs\":{");
        for (int i = 0; i < 40; i++) {
            String next = "\"$ref\":\"#/$defs/a" + (i + 1) + "\"";
            schema.append("\"a" + i + "\":{\"anyOf\":[{" + next + ",\"minimum\":" + i + "},{" + next + ",\"maximum\":"
                    + (100 + i) + "}]},");
        }
        assertThatThrownBy(() -> compile(schema + "\"a40\":{\"type\":\"integer\"}}}"))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining("it is too");
    }

    @Test
    void largeAndDeepSchemasAreRefused() {
        String deep = "{\"items\":".repeat(300) + "{\"type\":\"null\"}" + "}".repeat(300);
        assertThatThrownBy(() -> compile(deep))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining("deep");
        StringBuilder wide = new StringBuilder("{\"properties\":{");
        for (int i = 0; i <= 1_000; i++) {
            wide.append(i == 0 ? "" : ",").append("\"p").append(i).append("\":{\"type\":\"integer\"}");
        }
        assertThatThrownBy(() -> compile(wide + "}}"))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining("1001 properties");
        String thousand = wide.toString().replace(",\"p1000\":{\"type\":\"integer\"}", "") + "}}";
        assertThatThrownBy(() -> compile(thousand))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining("it is too");
        StringBuilder all =
                new StringBuilder(thousand.substring(0, thousand.length() - 1)).append(",\"required\":[\"p0\"");
        StringBuilder document = new StringBuilder("{\"p0\":0");
        for (int i = 1; i < 1_000; i++) {
            all.append(",\"p").append(i).append('"');
            document.append(",\"p").append(i).append("\": ").append(i);
        }
        assertThat(Vocabularies.allows(compile(all + "]}"), document + "}")).isTrue();
        assertThatThrownBy(() -> compile("\"" + "x".repeat(GrammarCompiler.MAX_LENGTH) + "\""))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining("characters");
    }

    private Grammar compile(String schema) {
        return compiler.compile(new GrammarSource(Kind.JSON_SCHEMA, schema));
    }

    private static void assertValid(JsonSchema reference, String document, String schema)
            throws JsonProcessingException {
        JsonNode parsed = MAPPER.readTree(document);
        Set<ValidationMessage> faults = reference.validate(parsed);
        assertThat(faults).as("%s by %s", document, schema).isEmpty();
    }
}
