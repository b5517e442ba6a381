package dev.millrace.operators;

import dev.millrace.model.media.EncodedMedia;
import dev.millrace.operators.state.RequestSnapshot.Prepared;
import dev.millrace.operators.state.RequestSnapshot.Unprepared;
import dev.millrace.operators.state.RequestSnapshot.Work;
import dev.millrace.schemas.ChatMessage;
import dev.millrace.schemas.MediaPart;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TextPart;
import java.nio.ByteBuffer;

/** How many bytes of memory, near enough, a request's texts and media hold while it waits to be prepared. */
final class ContentSize {

    private ContentSize() {}

    static long of(Work work) {
        if (work instanceof Prepared prepared) {
            return 4L * prepared.promptIds().length
                    + prepared.media().stream().mapToLong(EncodedMedia::bytes).sum();
        }
        return of(((Unprepared) work).request());
    }

    private static long of(PromptRequest request) {
        long bytes = length(request.getPrompt());
        bytes += request.getPromptTokenIds() == null
                ? 0
                : 16L * request.getPromptTokenIds().size();
        if (request.getMessages() != null) {
            for (ChatMessage message : request.getMessages()) {
                bytes += message.getContent().stream()
                        .mapToLong(ContentSize::part)
                        .sum();
            }
        }
        return bytes;
    }

    private static long part(Object part) {
        if (part instanceof TextPart text) {
            return length(text.getText());
        }
        MediaPart media = (MediaPart) part;
        return length(media.getUrl())
                + (media.getData() == null ? 0 : media.getData().remaining())
                + media.getFrames().stream().mapToLong(ByteBuffer::remaining).sum();
    }

    private static long length(String text) {
        return text == null ? 0 : text.length();
    }
}
