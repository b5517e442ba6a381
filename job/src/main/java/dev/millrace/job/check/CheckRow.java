package dev.millrace.job.check;

/**
 * One line of the report: how one thing compares with its reference.
 *
 * @param file the reference file's name, without its suffix
 * @param name what was compared: a case, a picture
 * @param kind which of its values
 * @param difference largest absolute difference, NaN where values are compared for equality
 * @param agreed how many values or tokens agree
 * @param comparable how many of them could be compared
 * @param passed whether that is good enough
 * @param note what else is to be said, or empty
 */
public record CheckRow(
        String file,
        String name,
        String kind,
        double difference,
        int agreed,
        int comparable,
        boolean passed,
        String note) {

    /** A comparison that could not be made. */
    static CheckRow broken(String file, String name, String kind, String why) {
        return new CheckRow(file, name, kind, Double.NaN, 0, 0, false, why);
    }

    /** A count of things that must all agree. */
    static CheckRow allEqual(String file, String name, String kind, int agreed, int comparable, String note) {
        return new CheckRow(file, name, kind, Double.NaN, agreed, comparable, agreed == comparable, note);
    }
}
