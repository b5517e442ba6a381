package dev.millrace.model.tokenizer;

import java.util.Map;

/**
 * Resolves a Jinja template's whitespace control before the template engine sees it, since the engine at hand has its own
 * idea of it. Rules of Jinja2 with {@code trim_blocks} and {@code lstrip_blocks}: a minus inside a tag strips all
 * whitespace on that side; a newline right after a block or comment goes; so does blank space between the start of a line
 * and a block or comment; a plus keeps either; one newline at the end of the template goes. Comments are dropped.
 */
final class TemplateWhitespace {

    private static final Map<Character, String> CLOSING = Map.of('{', "}}", '%', "%}", '#', "#}");

    private final String template;
    private final StringBuilder out = new StringBuilder();
    private int position;
    private boolean lineStarts = true; // whether what is at the position begins a line

    private TemplateWhitespace(String template) {
        this.template = template.endsWith("\n") ? template.substring(0, template.length() - 1) : template;
    }

    static String resolve(String template) {
        return new TemplateWhitespace(template).run();
    }

    private String run() {
        for (int tag = nextTag(); tag < template.length(); tag = nextTag()) {
            char kind = template.charAt(tag + 1);
            int end = endOfTag(tag + 2, kind);
            String body = template.substring(tag + 2, end);
            textBefore(tag, kind, body);
            if (kind != '#') {
                out.append('{')
                        .append(kind)
                        .append(' ')
                        .append(inside(body))
                        .append(' ')
                        .append(CLOSING.get(kind));
            }
            skipAfter(end, kind, body);
        }
        return out.append(template, position, template.length()).toString();
    }

    private int nextTag() {
        int tag = position;
        while (tag < template.length()
                && !(template.charAt(tag) == '{'
                        && tag + 1 < template.length()
                        && CLOSING.containsKey(template.charAt(tag + 1)))) {
            tag++;
        }
        return tag;
    }

    /** Where the tag's closing begins, quoted text passed over; the template's end where it is not closed. */
    private int endOfTag(int from, char kind) {
        String closing = CLOSING.get(kind);
        char quote = 0;
        for (int i = from; i < template.length(); i++) {
            char c = template.charAt(i);
            if (quote != 0) {
                if (c == '\\') {
                    i++;
                } else if (c == quote) {
                    quote = 0;
                }
            } else if (template.startsWith(closing, i)) {
                return i;
            } else if (kind != '#' && (c == '\'' || c == '"')) {
                quote = c;
            }
        }
        return template.length();
    }

    private void textBefore(int tag, char kind, String body) {
        String text = template.substring(position, tag);
        if (body.startsWith("-")) {
            text = text.stripTrailing();
        } else if (kind != '{' && !body.startsWith("+")) {
            int line = text.lastIndexOf('\n') + 1;
            if ((line > 0 || lineStarts) && text.substring(line).isBlank()) {
                text = text.substring(0, line);
            }
        }
        out.append(text);
    }

    private void skipAfter(int end, char kind, String body) {
        position = Math.min(end + 2, template.length());
        int from = position;
        if (body.endsWith("-")) {
            while (position < template.length() && Character.isWhitespace(template.charAt(position))) {
                position++;
            }
        } else if (kind != '{' && !body.endsWith("+") && template.startsWith("\n", position)) {
            position++;
        }
        lineStarts = position > from && template.charAt(position - 1) == '\n';
    }

    /** A tag's body without its marks. */
    private static String inside(String body) {
        int from = body.startsWith("-") || body.startsWith("+") ? 1 : 0;
        int to = body.endsWith("-") && body.length() > from ? body.length() - 1 : body.length();
        if (to == body.length() && body.endsWith("+") && body.length() > from) {
            to--;
        }
        return body.substring(from, to).strip();
    }
}
