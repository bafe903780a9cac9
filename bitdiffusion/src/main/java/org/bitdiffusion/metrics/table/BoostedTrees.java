package org.bitdiffusion.metrics.table;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;
import org.bitdiffusion.ConfigurationException;

/**
 * Gradient boosted trees by XGBoost, whose jar {@code ml.dmlc:xgboost4j_2.12} need not be on the
 * class path where nothing is measured with it; nothing of Scala need be there. Missing numbers are
 * left to it.
 *
 * @param rounds how many trees, times the classes where there are more than two
 * @param depth the most splits above a leaf
 * @param learningRate of a tree
 * @param minChildWeight the least sum of second derivatives in a leaf
 * @param gamma the least gain of a split
 */
public record BoostedTrees(
    int rounds, int depth, double learningRate, double minChildWeight, double gamma) {
  /** The defaults of XGBoost's classifier and regressor in Python. */
  public static final BoostedTrees DEFAULT = new BoostedTrees(100, 6, 0.3, 1, 0);

  /** What is predicted. */
  enum Task {
    /** The probability of 1 against 0. */
    BINARY("binary:logistic"),
    /** The probabilities of several classes. */
    CLASSES("multi:softprob"),
    /** A number. */
    NUMBER("reg:squarederror");

    private final String objective;

    Task(String objective) {
      this.objective = objective;
    }
  }

  /** Whether XGBoost is there and runs here. */
  public static boolean areThere() {
    try {
      // Its initialisation loads the native library.
      Class.forName("ml.dmlc.xgboost4j.java.XGBoostJNI");
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  /**
   * Learns from some rows and predicts others.
   *
   * @param labels of the rows of {@code training}
   * @param classes how many there are, of {@link Task#CLASSES}
   * @param others each with the same features
   * @return for each of them the predictions, [N, 1] or [N, classes]
   * @throws ConfigurationException if XGBoost is not there, or does not run here
   */
  List<float[][]> predictions(
      Task task, int classes, Features training, int[] rows, float[] labels, List<Rows> others) {
    if (task == Task.BINARY && isOne(labels)) {
      // XGBoost refuses it.
      return others.stream().map(other -> constant(labels[0], other.rows().length)).toList();
    }
    try {
      return Native.predictions(this, task, classes, training, rows, labels, others);
    } catch (LinkageError e) {
      throw new ConfigurationException(
          "XGBoost is needed for this measure and cannot be loaded (%s); put ml.dmlc:xgboost4j_2.12 on the class path (on macOS also libomp), or leave trees out"
              .formatted(e.getMessage()),
          e);
    }
  }

  private static boolean isOne(float[] labels) {
    for (var label : labels) {
      if (label != labels[0]) {
        return false;
      }
    }
    return true;
  }

  private static float[][] constant(float value, int rows) {
    var predictions = new float[rows][1];
    for (var prediction : predictions) {
      prediction[0] = value;
    }
    return predictions;
  }

  /** Some rows of a table that is predicted. */
  record Rows(Features features, int[] rows) {}

  /** All that names classes of XGBoost, so that the record loads without them. */
  private static final class Native {
    /** Fewer rows are sooner done by one thread than by some that wait for each other. */
    private static final int ROWS_OF_ONE_THREAD = 5000;

    private static int threads(int[] rows) {
      return rows.length < ROWS_OF_ONE_THREAD ? 1 : Runtime.getRuntime().availableProcessors();
    }

    static List<float[][]> predictions(
        BoostedTrees trees,
        Task task,
        int classes,
        Features training,
        int[] rows,
        float[] labels,
        List<BoostedTrees.Rows> others) {
      var settings = new HashMap<String, Object>();
      settings.put("objective", task.objective);
      settings.put("max_depth", trees.depth);
      settings.put("eta", trees.learningRate);
      settings.put("min_child_weight", trees.minChildWeight);
      settings.put("gamma", trees.gamma);
      settings.put("tree_method", "hist");
      settings.put("nthread", threads(rows));
      settings.put("verbosity", 0);
      if (task == Task.CLASSES) {
        settings.put("num_class", classes);
      }
      try {
        var matrix = matrix(training, rows);
        Booster booster = null;
        try {
          matrix.setLabel(labels);
          booster = XGBoost.train(matrix, settings, trees.rounds, Map.of(), null, null);
          var predictions = new ArrayList<float[][]>();
          for (var other : others) {
            var otherMatrix = matrix(other.features(), other.rows());
            try {
              predictions.add(booster.predict(otherMatrix));
            } finally {
              otherMatrix.dispose();
            }
          }
          return predictions;
        } finally {
          matrix.dispose();
          if (booster != null) {
            booster.dispose();
          }
        }
      } catch (XGBoostError e) {
        throw new IllegalStateException("XGBoost failed: " + e.getMessage(), e);
      }
    }

    /**
     * Sparse: features that are 0 for not being of a category are left out, numbers that are not.
     */
    private static DMatrix matrix(Features features, int[] rows) throws XGBoostError {
      var most = features.numbers().length + features.categories().length;
      var starts = new long[rows.length + 1];
      var indices = new int[rows.length * most];
      var values = new float[rows.length * most];
      var at = 0;
      for (var i = 0; i < rows.length; i++) {
        for (var j = 0; j < features.numbers().length; j++) {
          var value = (float) features.numbers()[j][rows[i]];
          if (!Float.isNaN(value)) {
            indices[at] = j;
            values[at++] = Math.max(-Float.MAX_VALUE, Math.min(Float.MAX_VALUE, value));
          }
        }
        for (var column : features.categories()) {
          if (column[rows[i]] != Features.NONE) {
            indices[at] = features.numbers().length + column[rows[i]];
            values[at++] = 1;
          }
        }
        starts[i + 1] = at;
      }
      return new DMatrix(
          starts,
          Arrays.copyOf(indices, at),
          Arrays.copyOf(values, at),
          DMatrix.SparseType.CSR,
          Math.max(1, features.width()),
          Float.NaN,
          threads(rows));
    }
  }
}
