package dev.millrace.operators.state;

import dev.millrace.model.grammar.GrammarSource;
import dev.millrace.model.grammar.GrammarSource.Kind;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.sequence.BeamParams;
import dev.millrace.operators.sequence.GenerationParams;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/**
 * How resolved parameters are written: the fields of both records, in their order, but for those that version 2 added, which
 * come last.
 */
final class ParamsFormat {

    private ParamsFormat() {}

    static void write(GenerationParams params, DataOutputStream out) throws IOException {
        writeSampling(params.sampling(), out);
        out.writeInt(params.maxTokens());
        Fields.writeInts(params.stopTokenIds(), out);
        Fields.writeInts(params.eosTokenIds(), out);
        Fields.writeList(params.stop(), out, Fields::writeString);
        out.writeBoolean(params.includeStop());
        out.writeBoolean(params.skipSpecialTokens());
        out.writeInt(params.logprobs());
        Fields.writeList(params.badWords(), out, Fields::writeInts);
        out.writeInt(params.promptLogprobs());
        out.writeBoolean(params.echo());
        Fields.writeNullable(params.beams(), out, ParamsFormat::writeBeams);
        Fields.writeNullable(params.grammar(), out, (grammar, to) -> {
            Fields.writeString(grammar.kind().name(), to);
            Fields.writeString(grammar.text(), to);
        });
    }

    private static void writeBeams(BeamParams beams, DataOutputStream out) throws IOException {
        out.writeInt(beams.width());
        out.writeDouble(beams.lengthPenalty());
        out.writeBoolean(beams.earlyStopping());
    }

    private static BeamParams readBeams(DataInputStream in) throws IOException {
        return new BeamParams(in.readInt(), in.readDouble(), in.readBoolean());
    }

    /** @param version of the format */
    static GenerationParams read(DataInputStream in, int version) throws IOException {
        GenerationParams.Builder first = readFirst(in);
        if (version == 1) {
            return first.build();
        }
        return first.promptLogprobs(in.readInt())
                .echo(in.readBoolean())
                .beams(Fields.readNullable(in, ParamsFormat::readBeams))
                .grammar(Fields.readNullable(
                        in, from -> new GrammarSource(Kind.valueOf(Fields.readString(from)), Fields.readString(from))))
                .build();
    }

    private static GenerationParams.Builder readFirst(DataInputStream in) throws IOException {
        return GenerationParams.builder(readSampling(in), in.readInt())
                .stopTokenIds(Fields.readInts(in))
                .eosTokenIds(Fields.readInts(in))
                .stop(Fields.readList(in, Fields::readString))
                .includeStop(in.readBoolean())
                .skipSpecialTokens(in.readBoolean())
                .logprobs(in.readInt())
                .badWords(Fields.readList(in, Fields::readInts));
    }

    private static void writeSampling(SamplingParams params, DataOutputStream out) throws IOException {
        out.writeFloat(params.temperature());
        out.writeFloat(params.topP());
        out.writeInt(params.topK());
        out.writeFloat(params.minP());
        out.writeFloat(params.repetitionPenalty());
        out.writeFloat(params.presencePenalty());
        out.writeFloat(params.frequencyPenalty());
        out.writeLong(params.seed());
        Fields.writeInts(params.biasIds(), out);
        Fields.writeFloats(params.biasValues(), out);
        Fields.writeNullable(params.allowedIds(), out, Fields::writeInts);
        Fields.writeInts(params.bannedIds(), out);
        out.writeInt(params.minTokens());
        Fields.writeInts(params.stopIds(), out);
    }

    private static SamplingParams readSampling(DataInputStream in) throws IOException {
        return SamplingParams.builder()
                .temperature(in.readFloat())
                .topP(in.readFloat())
                .topK(in.readInt())
                .minP(in.readFloat())
                .repetitionPenalty(in.readFloat())
                .presencePenalty(in.readFloat())
                .frequencyPenalty(in.readFloat())
                .seed(in.readLong())
                .bias(Fields.readInts(in), Fields.readFloats(in))
                .allowedIds(Fields.readNullable(in, Fields::readInts))
                .bannedIds(Fields.readInts(in))
                .minTokens(in.readInt())
                .stopIds(Fields.readInts(in))
                .build();
    }
}
