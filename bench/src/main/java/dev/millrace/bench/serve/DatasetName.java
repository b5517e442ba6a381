package dev.millrace.bench.serve;

import java.util.Locale;

/** The data sets that there are. */
enum DatasetName {
    RANDOM,
    RANDOM_MM,
    CUSTOM;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Reads a data set's name. */
    static final class Converter extends OneOf<DatasetName> {
        Converter() {
            super(values());
        }
    }
}
