package dev.millrace.job.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Numbers of GPUs with commas between. */
final class GpuIds implements ITypeConverter<String> {

    @Override
    public String convert(String text) {
        if (!text.matches("\\d{1,4}(,\\d{1,4})*")) {
            throw new TypeConversionException("'" + text + "' is no list of GPUs, such as 0,1");
        }
        return text;
    }
}
