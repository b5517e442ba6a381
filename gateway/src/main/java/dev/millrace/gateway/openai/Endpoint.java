package dev.millrace.gateway.openai;

/** Which API a call uses, and the names that its answers go by. */
enum Endpoint {
    CHAT("chatcmpl-", "chat.completion", "chat.completion.chunk"),
    COMPLETIONS("cmpl-", "text_completion", "text_completion");

    private final String idPrefix;
    private final String object;
    private final String chunkObject;

    Endpoint(String idPrefix, String object, String chunkObject) {
        this.idPrefix = idPrefix;
        this.object = object;
        this.chunkObject = chunkObject;
    }

    String idPrefix() {
        return idPrefix;
    }

    String object() {
        return object;
    }

    String chunkObject() {
        return chunkObject;
    }
}
