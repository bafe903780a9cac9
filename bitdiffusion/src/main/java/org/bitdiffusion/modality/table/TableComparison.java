package org.bitdiffusion.modality.table;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.metrics.table.Column.Categories;
import org.bitdiffusion.metrics.table.Table;
import org.bitdiffusion.metrics.table.TableMeasures;
import org.bitdiffusion.metrics.table.TableReport;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.KeptSamples;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.sampling.SamplerConfig;

/**
 * Draws rows of runs and compares them with those of a table, by {@link TableMeasures}: numbers and
 * dates as numbers, all else as categories. Told besides: {@code compared_with}, the name of the
 * source; {@code samples}, {@code seed}, {@code network_evaluations_per_sample}, and {@code
 * samples_per_second} of those that were drawn now, if any.
 */
final class TableComparison implements Evaluation.Comparison {
  /** Cells that are drawn at a time: a row is small, and few at a time take longer. */
  private static final int CELLS = 1 << 15;

  private static final int MOST_AT_A_TIME = 1024;

  private static final Set<String> LOWER_IS_BETTER = Set.of("efficacy_rmse");

  /** Of these neither more nor less is better: real rows are as near, and equal one another. */
  private static final Set<String> OF_NO_RANK = Set.of("nearer_to_training", "copies");

  private final DataSource training;
  private final Columns columns;
  private final int n;
  private final Optional<Path> report;
  private final Table real;
  private final TableMeasures measures;

  /**
   * @param columns of all rows
   * @param heldOut rows that were not trained on
   * @param n rows to draw, at least 3
   */
  TableComparison(
      DataSource training,
      Columns columns,
      Optional<DataSource> heldOut,
      TableMeasures.Options options,
      int n,
      Optional<Path> report) {
    this.training = training;
    this.columns = columns;
    this.n = n;
    this.report = report;
    real = table(training);
    measures = new TableMeasures(real, heldOut.map(this::table).orElse(null), options);
  }

  // ---------------------------------------------------------------- rows as measures see them

  private Table table(DataSource source) {
    var places = source.schema().space().places();
    var rows = new int[source.size()][places];
    for (var row = 0; row < rows.length; row++) {
      source.read(row, rows[row], 0);
    }
    return table(rows);
  }

  /**
   * @param rows [rows][places] of symbols
   */
  private Table table(int[][] rows) {
    var places = columns.places();
    var all = new ArrayList<org.bitdiffusion.metrics.table.Column>();
    for (var i = 0; i < places.size(); i++) {
      var place = i;
      all.add(measured(places.get(i), rows.length, row -> rows[row][place]));
    }
    return new Table(places.stream().map(Column::name).toList(), all);
  }

  private static org.bitdiffusion.metrics.table.Column measured(
      Column column, int rows, IntUnaryOperator symbols) {
    if (column.kind().isNumber()) {
      var values = new double[rows];
      for (var row = 0; row < rows; row++) {
        values[row] = finite(column.number(symbols.applyAsInt(row)));
      }
      return new org.bitdiffusion.metrics.table.Column.Numbers(values);
    }
    var codes = new int[rows];
    for (var row = 0; row < rows; row++) {
      var symbol = symbols.applyAsInt(row);
      codes[row] = symbol == column.missing() ? Categories.MISSING : symbol - column.missing() - 1;
    }
    return new Categories(codes, column.levels().count());
  }

  /** A cell such as 1e400 is no double; NaN stays. */
  private static double finite(double value) {
    return Math.max(-Float.MAX_VALUE, Math.min(Float.MAX_VALUE, value));
  }

  /** How a report writes a value. */
  static String text(Column column, double value) {
    var first = column.missing() + 1;
    if (!column.kind().isNumber()) {
      return column.text(first + (int) value);
    }
    // Numbers ascend with their symbols; between two of them the next one is written.
    var low = first;
    var high = column.categories() - 1;
    while (low < high) {
      var middle = (low + high) >>> 1;
      if (finite(column.number(middle)) < value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return column.text(low);
  }

  // ---------------------------------------------------------------- measuring

  @Override
  public List<String> measured(RunConfig run) {
    return measures.names();
  }

  @Override
  public boolean higherIsBetter(String measure) {
    return !LOWER_IS_BETTER.contains(measure);
  }

  @Override
  public boolean ranks(String measure) {
    return !OF_NO_RANK.contains(measure);
  }

  @Override
  public void requireFit(RunConfig run, SamplerConfig sampling, long seed) {
    if (!run.schema().space().equals(columns.schema().space())) {
      throw new ConfigurationException(
          "%s has other columns or values than the run, which was trained on %s"
              .formatted(training.name(), run.data()));
    }
    DiffusionModel.requireFit(run, sampling, Given.NONE);
  }

  @Override
  public Map<String, Object> measure(Evaluation.Subject subject, List<String> only, Watch watch) {
    requireFit(subject.model().config(), subject.sampling(), subject.seed());
    var kept = new KeptSamples(inLargeBatches(subject), n, (first, count) -> Given.NONE);
    var synthetic = table(drawn(kept, watch));
    var measured =
        measures.of(
            synthetic,
            only,
            (done, of, what) ->
                watch.progress("measures", done, of, what.isEmpty() ? "" : "of " + what));
    var told = new LinkedHashMap<String, Object>();
    told.put("compared_with", training.name());
    measured.forEach(
        (name, value) -> {
          if (!value.isNaN()) {
            told.put(name, value);
          } else if (measures.names().contains(name)) {
            watch.say(name + " is not told: the rows do not give it");
          }
        });
    told.put("samples", n);
    told.put("seed", subject.seed());
    told.put("network_evaluations_per_sample", subject.sampling().evaluations());
    kept.perSecond().ifPresent(speed -> told.put("samples_per_second", speed));
    if (only.isEmpty()) {
      kept.folder().ifPresent(place -> watch.say("the samples are kept in " + place));
      report.ifPresent(file -> write(file, subject, synthetic, measured, watch));
    }
    return told;
  }

  private Evaluation.Subject inLargeBatches(Evaluation.Subject subject) {
    var batch = Math.min(MOST_AT_A_TIME, CELLS / columns.places().size());
    return new Evaluation.Subject(
        subject.folder(),
        subject.model(),
        subject.sampling(),
        subject.seed(),
        Math.max(subject.batch(), batch),
        subject.listener());
  }

  private int[][] drawn(KeptSamples kept, Watch watch) {
    var places = columns.places().size();
    var rows = new int[n][places];
    for (var first = 0; first < n; first += KeptSamples.PIECE) {
      var piece = kept.piece(first);
      for (var row = 0; row < piece.count(); row++) {
        System.arraycopy(piece.symbols(), row * places, rows[first + row], 0, places);
      }
      watch.progress("samples", first + piece.count(), n, "");
    }
    if (kept.drawn() < n) {
      watch.say("%,d of the %,d samples were there already".formatted(n - kept.drawn(), n));
    }
    return rows;
  }

  private void write(
      Path file,
      Evaluation.Subject subject,
      Table synthetic,
      Map<String, Double> measured,
      Watch watch) {
    var title = "%s beside %s".formatted(subject.folder().path().getFileName(), training.name());
    var places = columns.places();
    TableReport.Texts texts = (place, value) -> text(places.get(place), value);
    var page = TableReport.html(title, real, synthetic, measured, texts).getBytes(UTF_8);
    WholeFile.write(file, out -> out.write(page));
    watch.say("the report is in " + file);
  }
}
