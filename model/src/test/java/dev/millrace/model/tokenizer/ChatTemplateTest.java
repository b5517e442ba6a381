package dev.millrace.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChatTemplateTest {

    /** Random templates, rendered by Jinja2 3.1.6; {@code make_template_whitespace.py} made them. */
    @Test
    void whitespaceIsWhereJinja2HasIt() throws IOException {
        JsonNode cases = new ObjectMapper().readTree(getClass().getResourceAsStream("template-whitespace.json"));
        for (JsonNode expected : cases) {
            String template = expected.get("template").asText();

            assertThat(new ChatTemplate(template).render(List.of(), true, TemplateVariables.NONE))
                    .as(template)
                    .isEqualTo(expected.get("rendered").asText());
        }
        assertThat(cases).hasSize(400);
    }
}
