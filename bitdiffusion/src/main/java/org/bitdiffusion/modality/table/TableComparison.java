package org.bitdiffusion.modality.table;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.io.WholeFile;
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

  private static final Set<String> LOWER_IS_BETTER = Set.of("efficacy_rmse", MaskedRows.ERROR);

  /** Of these neither more nor less is better: real rows are as near, and equal one another. */
  private static final Set<String> OF_NO_RANK = Set.of("nearer_to_training", "copies");

  private final DataSource training;
  private final Columns columns;
  private final int n;
  private final Optional<Path> report;
  private final Optional<MaskedRows> masked;
  private final Optional<DataSource> elsewhere;
  private final Table real;
  private final TableMeasures measures;

  /**
   * @param columns of all rows
   * @param heldOut rows that were not trained on
   * @param masked rows to be filled, if any
   * @param elsewhere rows to be measured in place of drawn ones, if any
   * @param n rows to draw, or those from elsewhere, at least 3
   */
  TableComparison(
      DataSource training,
      Columns columns,
      Optional<DataSource> heldOut,
      Optional<MaskedRows> masked,
      Optional<DataSource> elsewhere,
      TableMeasures.Options options,
      int n,
      Optional<Path> report) {
    this.training = training;
    this.columns = columns;
    this.n = n;
    this.report = report;
    this.masked = masked;
    this.elsewhere = elsewhere;
    real = Tables.of(columns, training);
    measures =
        new TableMeasures(
            real, heldOut.map(rows -> Tables.of(columns, rows)).orElse(null), options);
  }

  // ---------------------------------------------------------------- measuring

  @Override
  public List<String> measured(RunConfig run) {
    return masked.isEmpty()
        ? measures.names()
        : Stream.of(measures.names(), MaskedRows.NAMES).flatMap(List::stream).toList();
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
    var synthetic =
        elsewhere
            .map(rows -> Tables.of(columns, rows))
            .orElseGet(() -> Tables.of(columns, drawn(kept, watch)));
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
    if (only.isEmpty() || only.stream().anyMatch(MaskedRows.NAMES::contains)) {
      masked.ifPresent(
          rows ->
              rows.measure(inLargeBatches(subject), real, watch)
                  .forEach(
                      (name, value) -> {
                        if (!value.isNaN() && (only.isEmpty() || only.contains(name))) {
                          told.put(name, value);
                        }
                      }));
    }
    elsewhere.ifPresent(rows -> told.put("rows", rows.name()));
    told.put("samples", n);
    if (elsewhere.isEmpty()) {
      told.put("seed", subject.seed());
      told.put("network_evaluations_per_sample", subject.sampling().evaluations());
      kept.perSecond().ifPresent(speed -> told.put("samples_per_second", speed));
    }
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
    var title =
        "%s beside %s"
            .formatted(
                elsewhere
                    .map(DataSource::name)
                    .orElseGet(() -> subject.folder().path().getFileName().toString()),
                training.name());
    var places = columns.places();
    TableReport.Texts texts = (place, value) -> Tables.text(places.get(place), value);
    var page = TableReport.html(title, real, synthetic, measured, texts).getBytes(UTF_8);
    WholeFile.write(file, out -> out.write(page));
    watch.say("the report is in " + file);
  }
}
