package dev.millrace.operators.state;

import dev.millrace.model.media.EncodedMedia;
import dev.millrace.model.media.MediaSource.MediaOptions;
import dev.millrace.operators.sequence.FinishReason;
import dev.millrace.operators.state.RequestSnapshot.ChoiceSnapshot;
import dev.millrace.operators.state.RequestSnapshot.Prepared;
import dev.millrace.operators.state.RequestSnapshot.Unprepared;
import dev.millrace.operators.state.RequestSnapshot.Work;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.avro.SingleObjectCodec;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/**
 * How a request's work is written; what version 2 added comes last in its part. A request that is not prepared is in Avro's single-object encoding, and so
 * evolves as requests on the wire do. Enum constants are written by name.
 */
final class WorkFormat {

    private static final byte UNPREPARED = 0;
    private static final byte PREPARED = 1;

    private final SingleObjectCodec<PromptRequest> requests = new SingleObjectCodec<>(PromptRequest.class);

    void write(Work work, DataOutputStream out) throws IOException {
        if (work instanceof Unprepared unprepared) {
            out.writeByte(UNPREPARED);
            Fields.writeBytes(requests.encode(unprepared.request()), out);
        } else if (work instanceof Prepared prepared) {
            out.writeByte(PREPARED);
            ParamsFormat.write(prepared.params(), out);
            Fields.writeInts(prepared.promptIds(), out);
            Fields.writeInts(prepared.mediaStarts(), out);
            Fields.writeList(prepared.media(), out, WorkFormat::writeMedia);
            Fields.writeList(prepared.choices(), out, WorkFormat::writeChoice);
        }
    }

    /** @param version of the format */
    Work read(DataInputStream in, int version) throws IOException {
        byte kind = in.readByte();
        return switch (kind) {
            case UNPREPARED -> new Unprepared(requests.decode(Fields.readBytes(in)));
            case PREPARED -> new Prepared(
                    ParamsFormat.read(in, version),
                    Fields.readInts(in),
                    Fields.readInts(in),
                    Fields.readList(in, WorkFormat::readMedia),
                    Fields.readList(in, from -> readChoice(from, version)));
            default -> throw new IOException("a request's work has kind " + kind + "; known are 0 and 1");
        };
    }

    private static void writeMedia(EncodedMedia media, DataOutputStream out) throws IOException {
        MediaOptions options = media.options();
        Fields.writeString(media.kind().name(), out);
        Fields.writeList(media.files(), out, Fields::writeBytes);
        Fields.writeNullable(options.fps(), out, (value, to) -> to.writeDouble(value));
        Fields.writeNullable(options.numFrames(), out, (value, to) -> to.writeInt(value));
        Fields.writeNullable(options.minPixels(), out, (value, to) -> to.writeInt(value));
        Fields.writeNullable(options.maxPixels(), out, (value, to) -> to.writeInt(value));
    }

    private static EncodedMedia readMedia(DataInputStream in) throws IOException {
        return new EncodedMedia(
                EncodedMedia.Kind.valueOf(Fields.readString(in)),
                Fields.readList(in, Fields::readBytes),
                new MediaOptions(
                        Fields.readNullable(in, DataInputStream::readDouble),
                        Fields.readNullable(in, DataInputStream::readInt),
                        Fields.readNullable(in, DataInputStream::readInt),
                        Fields.readNullable(in, DataInputStream::readInt)));
    }

    private static void writeChoice(ChoiceSnapshot choice, DataOutputStream out) throws IOException {
        Fields.writeInts(choice.tokens(), out);
        out.writeInt(choice.emittedChars());
        Fields.writeNullable(choice.finish(), out, (reason, to) -> Fields.writeString(reason.name(), to));
        out.writeDouble(choice.cumulativeLogprob());
        Fields.writeNullable(choice.scheduledAt(), out, Fields::writeInstant);
        out.writeInt(choice.cachedTokens());
        out.writeInt(choice.promptLogprobs());
    }

    private static ChoiceSnapshot readChoice(DataInputStream in, int version) throws IOException {
        return new ChoiceSnapshot(
                Fields.readInts(in),
                in.readInt(),
                Fields.readNullable(in, from -> FinishReason.valueOf(Fields.readString(from))),
                in.readDouble(),
                Fields.readNullable(in, Fields::readInstant),
                in.readInt(),
                version == 1 ? 0 : in.readInt());
    }
}
