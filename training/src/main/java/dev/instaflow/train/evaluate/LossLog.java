package dev.instaflow.train.evaluate;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * Two columns of a training log. A row that was cut off when its writer was killed is left out; where a run
 * went back to a checkpoint, the later rows of a step stand for it.
 *
 * @param steps rising
 * @param values one a step
 */
record LossLog(double[] steps, double[] values) {
    static LossLog read(Path csv, String stepColumn, String valueColumn) throws IOException {
        CSVFormat format =
                CSVFormat.RFC4180
                        .builder()
                        .setHeader()
                        .setSkipHeaderRecord(true)
                        .setIgnoreEmptyLines(true)
                        .get();
        List<double[]> rows = new ArrayList<>();
        try (Reader reader = Files.newBufferedReader(csv);
                CSVParser parser = CSVParser.parse(reader, format)) {
            List<String> header = parser.getHeaderNames();
            int step = header.indexOf(stepColumn);
            int value = header.indexOf(valueColumn);
            if (step < 0 || value < 0) {
                throw new IOException(
                        "%s: a log needs the columns \"%s\" and \"%s\", has %s"
                                .formatted(csv, stepColumn, valueColumn, header));
            }
            for (CSVRecord record : parser) {
                if (record.size() == header.size()) {
                    add(rows, csv, record, step, value);
                }
            }
        }
        if (rows.isEmpty()) {
            throw new IOException(csv + ": no rows to draw");
        }
        return new LossLog(
                rows.stream().mapToDouble(row -> row[0]).toArray(),
                rows.stream().mapToDouble(row -> row[1]).toArray());
    }

    private static void add(List<double[]> rows, Path csv, CSVRecord record, int step, int value)
            throws IOException {
        try {
            double at = Double.parseDouble(record.get(step));
            double number = Double.parseDouble(record.get(value));
            while (!rows.isEmpty() && rows.get(rows.size() - 1)[0] >= at) {
                rows.remove(rows.size() - 1);
            }
            if (Double.isFinite(at) && Double.isFinite(number)) {
                rows.add(new double[] {at, number});
            }
        } catch (NumberFormatException e) {
            throw new IOException(
                    "%s, record %d: \"%s\" and \"%s\" should be numbers"
                            .formatted(
                                    csv,
                                    record.getRecordNumber(),
                                    record.get(step),
                                    record.get(value)),
                    e);
        }
    }
}
