package org.bitdiffusion.modality.table;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.bitdiffusion.Seed;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.metrics.table.Filling;
import org.bitdiffusion.metrics.table.Table;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.model.SampleRequest;
import org.bitdiffusion.sampling.Known;

/**
 * Rows whose fields are masked at random, to be filled by a model and compared with what they were:
 * {@code fill_accuracy}, the share of categories that are right, and {@code fill_error}, the root
 * of the mean square of the errors of numbers over their standard deviation, both means over
 * columns. Beside them {@code _of_usual}, the mean or the most frequent category, and {@code
 * _of_neighbours} of the nearest training rows. What the model fills in is what {@link #DRAWS}
 * draws have in common.
 */
final class MaskedRows {
  static final String ACCURACY = "fill_accuracy";
  static final String ERROR = "fill_error";
  private static final String OF_USUAL = "_of_usual";
  private static final String OF_NEIGHBOURS = "_of_neighbours";

  /** All that is measured, in its order. */
  static final List<String> NAMES =
      List.of(
          ACCURACY,
          ACCURACY + OF_USUAL,
          ACCURACY + OF_NEIGHBOURS,
          ERROR,
          ERROR + OF_USUAL,
          ERROR + OF_NEIGHBOURS);

  private static final int DRAWS = 40;

  /** Rows that are filled at most: their neighbours are looked for among all training rows. */
  private static final int MOST = 5_000;

  private final Columns columns;
  private final int[][] truth;
  private final boolean[][] masked;

  /**
   * @param rows that were not trained on, of which the first ones are taken
   * @param share of fields that are masked, each with this probability; missing ones are not
   */
  MaskedRows(Columns columns, DataSource rows, double share) {
    this.columns = columns;
    var places = columns.places();
    truth = new int[Math.min(MOST, rows.size())][places.size()];
    masked = new boolean[truth.length][places.size()];
    for (var row = 0; row < truth.length; row++) {
      rows.read(row, truth[row], 0);
      var random = new Random(Seed.of(row));
      for (var place = 0; place < places.size(); place++) {
        masked[row][place] =
            random.nextDouble() < share && truth[row][place] != places.get(place).missing();
      }
    }
  }

  /**
   * Fills and compares.
   *
   * @param training the rows that were learned from
   */
  Map<String, Double> measure(Evaluation.Subject subject, Table training, Watch watch) {
    var known = known();
    var filled = rows(filled(subject, known, watch));
    var real = Tables.of(columns, truth);
    var gaps = Tables.of(columns, truth, masked);
    var told = new LinkedHashMap<String, Double>();
    var byName = new TreeMap<String, Table>();
    byName.put("", Tables.of(columns, filled));
    byName.put(OF_USUAL, Filling.byModeAndMean(training, gaps));
    byName.put(OF_NEIGHBOURS, Filling.byNeighbours(training, gaps));
    for (var name : NAMES) {
      told.put(name, Double.NaN); // in this order
    }
    byName.forEach(
        (of, table) -> {
          var filling = Filling.of(training, real, gaps, table);
          told.put(ACCURACY + of, filling.accuracy());
          told.put(ERROR + of, filling.error());
        });
    return told;
  }

  private int[] filled(Evaluation.Subject subject, Known known, Watch watch) {
    var draws = new ArrayList<int[]>();
    for (var draw = 0; draw < DRAWS; draw++) {
      watch.progress("fillings", draw, DRAWS, "");
      var request =
          new SampleRequest(
              subject.sampling(),
              subject.seed() + draw,
              0,
              truth.length,
              Given.NONE,
              Optional.of(known),
              allowed());
      draws.add(subject.model().sampleAll(request, subject.batch(), subject.listener()).symbols());
    }
    watch.progress("fillings", DRAWS, DRAWS, "");
    return Gaps.expected(columns.places(), known, draws);
  }

  private Known known() {
    var places = columns.places().size();
    var mask = new boolean[truth.length * places];
    var symbols = new int[mask.length];
    for (var i = 0; i < mask.length; i++) {
      mask[i] = !masked[i / places][i % places];
      symbols[i] = mask[i] ? truth[i / places][i % places] : 0;
    }
    return new Known(mask, symbols, 1);
  }

  private List<Allowed> allowed() {
    var allowed = new ArrayList<Allowed>();
    for (var place = 0; place < columns.places().size(); place++) {
      Gaps.values(columns.places().get(place), place).ifPresent(allowed::add);
    }
    return allowed;
  }

  private int[][] rows(int... symbols) {
    var rows = new int[truth.length][columns.places().size()];
    for (var row = 0; row < rows.length; row++) {
      System.arraycopy(symbols, row * rows[row].length, rows[row], 0, rows[row].length);
    }
    return rows;
  }
}
