package org.bitdiffusion.cli;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.bitdiffusion.data.ImageGrid;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Charts as PNG files. */
final class Charts {
  private static final int BINS = 80;

  private Charts() {}

  /** The loss by step, as it was logged and as a moving average, on a logarithmic axis. */
  static void loss(Path file, double[] steps, double[] loss) {
    var chart =
        new XYChartBuilder()
            .width(900)
            .height(500)
            .title("Training loss")
            .xAxisTitle("step")
            .yAxisTitle("loss")
            .build();
    chart.getStyler().setYAxisLogarithmic(Arrays.stream(loss).allMatch(l -> l > 0));
    chart.getStyler().setMarkerSize(0);
    chart
        .addSeries("each log line", steps, loss)
        .setMarker(SeriesMarkers.NONE)
        .setLineColor(new Color(0xb0c4de));
    chart
        .addSeries("mean of the last tenth", steps, trailingMean(loss))
        .setMarker(SeriesMarkers.NONE)
        .setLineColor(new Color(0x1f4e79));
    write(file, chart);
  }

  /** The mean of each value and those before it, over a tenth of all. */
  private static double[] trailingMean(double[] values) {
    var window = Math.max(1, values.length / 10);
    var means = new double[values.length];
    for (var i = 0; i < values.length; i++) {
      var from = Math.max(0, i + 1 - window);
      means[i] = Arrays.stream(values, from, i + 1).average().orElseThrow();
    }
    return means;
  }

  /** How often each value occurs among generated analog bits: figure 7 of the paper. */
  static void analogBits(Path file, List<float[]> parts, double scale) {
    var counts = new double[BINS];
    DoubleUnaryOperator bin = value -> (value / scale + 1) / 2 * BINS;
    for (var part : parts) {
      for (var value : part) {
        counts[(int) Math.max(0, Math.min(BINS - 1, bin.applyAsDouble(value)))]++;
      }
    }
    var total = Arrays.stream(counts).sum();
    var centres = new double[BINS];
    for (var i = 0; i < BINS; i++) {
      centres[i] = Math.round(((i + 0.5) / BINS * 2 - 1) * scale * 1000) / 1000.0;
      counts[i] /= total;
    }
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(900)
            .height(500)
            .title("Generated analog bits")
            .xAxisTitle("value")
            .yAxisTitle("share (logarithmic)")
            .build();
    chart.getStyler().setLegendVisible(false);
    chart.getStyler().setAvailableSpaceFill(0.98);
    chart.getStyler().setYAxisLogarithmic(true);
    chart.getStyler().setXAxisMaxLabelCount(9);
    chart.getStyler().setYAxisMin(1e-6);
    for (var i = 0; i < BINS; i++) {
      counts[i] = Math.max(counts[i], 1e-6);
    }
    chart.addSeries("share", centres, counts);
    write(file, chart);
  }

  private static void write(Path file, Chart<?, ?> chart) {
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setLegendPosition(Styler.LegendPosition.InsideNE);
    BufferedImage image = BitmapEncoder.getBufferedImage(chart);
    ImageGrid.write(file, image);
  }
}
