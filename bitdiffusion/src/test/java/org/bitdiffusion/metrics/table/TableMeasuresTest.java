package org.bitdiffusion.metrics.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bitdiffusion.metrics.table.Fixtures.categories;
import static org.bitdiffusion.metrics.table.Fixtures.numbers;
import static org.bitdiffusion.metrics.table.Fixtures.table;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bitdiffusion.DataException;
import org.bitdiffusion.metrics.table.TableMeasures.Options;
import org.bitdiffusion.metrics.table.TableMeasures.Watch;
import org.junit.jupiter.api.Test;

class TableMeasuresTest {
  private static Table linked(int rows, long seed) {
    var random = new Random(seed);
    var code = random.ints(rows, 0, 3).toArray();
    var x = new double[rows];
    var isHigh = new int[rows];
    for (var row = 0; row < rows; row++) {
      x[row] = 3 * code[row] + random.nextGaussian();
      isHigh[row] = x[row] + random.nextGaussian() > 4 ? 1 : 0;
    }
    return table(numbers(x), categories(3, code), categories(2, isHigh));
  }

  @Test
  void allBesideThoseOfRowsThatNeedNoModel() {
    var seen = new ArrayList<String>();
    var measures =
        TableMeasures.of(
            linked(600, 1),
            linked(500, 2),
            linked(550, 3),
            Options.of("c", 7),
            (done, of, what) -> seen.add(done + "/" + of + " " + what));
    assertThat(seen).containsExactly("0/4 ", "1/4 independent", "2/4 smote", "3/4 data", "4/4 ");
    var names = new ArrayList<String>();
    for (var name :
        List.of(
            "shape",
            "trend",
            "detection_logistic",
            "detection_xgboost",
            "efficacy_auc",
            "efficacy_f1",
            "alpha_precision",
            "beta_recall",
            "nearer_to_training",
            "copies")) {
      names.add(name);
      names.add(name + "_of_independent");
      names.add(name + "_of_smote");
      if (!name.equals("nearer_to_training")) {
        names.add(name + "_of_data");
      }
    }
    assertThat(measures.keySet()).containsExactlyElementsOf(names);
    assertThat(measures.values()).noneMatch(value -> value.isNaN());
    // Shape does not know what is independent; trees do.
    assertThat(measures.get("shape_of_independent")).isGreaterThan(0.97);
    assertThat(measures.get("trend_of_independent"))
        .isLessThan(measures.get("trend_of_data") - 0.1);
    assertThat(measures.get("detection_xgboost_of_independent"))
        .isLessThan(measures.get("detection_xgboost") - 0.3);
    assertThat(measures.get("efficacy_auc")).isGreaterThan(0.85);
    assertThat(measures.get("efficacy_auc_of_independent")).isBetween(0.3, 0.7);
    assertThat(measures.get("nearer_to_training")).isCloseTo(0.5, within(0.08));
    assertThat(measures.get("nearer_to_training_of_smote")).isGreaterThan(0.6);
  }

  @Test
  void aTargetOfNumbersAndFewRows() {
    var options = new Options("a", Efficacy.FIXED, true, 100, 7);
    var measures =
        TableMeasures.of(linked(600, 1), linked(500, 2), linked(550, 3), options, Watch.NONE);
    assertThat(measures).containsKeys("efficacy_rmse", "efficacy_r2_of_data");
    assertThat(measures.get("efficacy_r2")).isGreaterThan(0.5);
    assertThat(
            TableMeasures.of(linked(600, 1), linked(500, 2), linked(550, 3), options, Watch.NONE))
        .isEqualTo(measures);
    var without = new Options(null, Efficacy.FIXED, false, 100, 7);
    assertThat(TableMeasures.of(linked(60, 1), linked(50, 2), linked(55, 3), without, Watch.NONE))
        .doesNotContainKeys("efficacy_auc", "detection_xgboost")
        .containsKeys("detection_logistic", "copies_of_data");
  }

  @Test
  void copiesAreBesideThoseThatHeldOutRowsAre() {
    var training = linked(100, 1);
    var half = training.first(40).and(linked(40, 2));
    var options = new Options(null, Efficacy.FIXED, false, 1000, 7);
    var measures = TableMeasures.of(training, linked(90, 3), half, options, Watch.NONE);
    assertThat(measures.get("copies")).isEqualTo(0.5);
    assertThat(measures.get("copies_of_data")).isZero();
  }

  @Test
  void withoutHeldOutRowsWhatNeedsThemIsNotTold() {
    var options = Options.of("c", 7);
    var all = TableMeasures.of(linked(60, 1), linked(50, 2), linked(55, 3), options, Watch.NONE);
    var measures = new TableMeasures(linked(60, 1), null, options);
    assertThat(measures.names())
        .containsExactly(
            "shape",
            "trend",
            "detection_logistic",
            "detection_xgboost",
            "alpha_precision",
            "beta_recall",
            "copies");
    var told = measures.of(linked(55, 3), List.of(), Watch.NONE);
    assertThat(told).hasSize(3 * measures.names().size());
    assertThat(all).containsAllEntriesOf(told);
  }

  @Test
  void onlyWhatIsWantedAndWhatStandsBesideOnce() {
    var measures = new TableMeasures(linked(60, 1), linked(50, 2), Options.of("c", 7));
    var all = measures.of(linked(55, 3), List.of(), Watch.NONE);
    var seen = new ArrayList<Integer>();
    for (var name : measures.names()) {
      var one = measures.of(linked(55, 3), List.of(name), Watch.NONE);
      assertThat(all).containsAllEntriesOf(one);
      assertThat(one)
          .hasSize(name.equals("nearer_to_training") ? 3 : 4)
          .containsKeys(name, name + "_of_independent", name + "_of_smote");
    }
    Watch watch = (done, of, what) -> seen.add(done);
    var again = measures.of(linked(55, 3), List.of(), watch);
    assertThat(again).isEqualTo(all);
    var other = measures.of(linked(55, 4), List.of(), watch);
    assertThat(seen).containsExactly(0, 1, 2, 3, 4, 0, 4);
    assertThat(other.get("shape")).isNotEqualTo(all.get("shape"));
    assertThat(other.get("shape_of_smote")).isEqualTo(all.get("shape_of_smote"));
    // Of more rows the others are as many.
    measures.of(linked(56, 4), List.of(), watch);
    assertThat(seen).endsWith(0, 1, 2, 3, 4);
  }

  @Test
  void aTargetThatNoRowHasTeachesNothing() {
    var rows = linked(55, 3);
    var without = rows.with(2, categories(2, new Random(1).ints(55, -1, 0).toArray()));
    var told =
        TableMeasures.of(linked(60, 1), linked(50, 2), without, Options.of("c", 7), Watch.NONE);
    assertThat(told.get("efficacy_auc")).isNaN();
    assertThat(told.get("efficacy_auc_of_data")).isBetween(0.5, 1.0);
  }

  @Test
  void edges() {
    var three = table(numbers(1, 1, 1), categories(2, -1, -1, -1), numbers(1, Double.NaN, 2));
    var options = Options.of(null, 1);
    assertThat(TableMeasures.of(three, three, three, options, Watch.NONE).get("copies"))
        .isEqualTo(1);
    assertThatThrownBy(() -> TableMeasures.of(three, three.first(2), three, options, Watch.NONE))
        .isInstanceOf(DataException.class)
        .hasMessage("measuring a table needs 3 rows at least, and there are 2");
    assertThatThrownBy(() -> TableMeasures.of(three, three, three, Options.of("x", 1), Watch.NONE))
        .hasMessage("there is no column \"x\"; there are a, b, c");
  }
}
