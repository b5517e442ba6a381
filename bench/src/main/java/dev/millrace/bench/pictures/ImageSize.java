package dev.millrace.bench.pictures;

import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Size of a picture in pixels. */
public record ImageSize(int width, int height) {

    private static final Pattern FORM = Pattern.compile("([1-9]\\d{0,4})x([1-9]\\d{0,4})");

    @Override
    public String toString() {
        return width + "x" + height;
    }

    /** Reads {@code 640x480}. */
    public static final class Converter implements ITypeConverter<ImageSize> {
        @Override
        public ImageSize convert(String value) {
            var match = FORM.matcher(value);
            if (!match.matches()) {
                throw new TypeConversionException(
                        "'%s' is not width and height in pixels such as 640x480".formatted(value));
            }
            return new ImageSize(Integer.parseInt(match.group(1)), Integer.parseInt(match.group(2)));
        }
    }
}
