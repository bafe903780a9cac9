package org.bitdiffusion.modality.image;

import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.nn.ConvolutionCheck;
import org.bitdiffusion.runtime.Compute;
import org.bitdiffusion.runtime.Safetensors;
import org.bytedeco.pytorch.Tensor;

/**
 * Of a {@link SmallClassifier} that was trained on a labelled source: a distance of its features is
 * comparable only with others of the same file, and is not FID.
 */
public final class ClassifierFeatures extends ImageFeatures {
  private static final String CLASSES = "classes"; // in the file's header, a name on each line
  private static final String BETWEEN = "\n";
  private static final String SIZE = "size"; // in the file's header, width x height

  /** Far more than any has: so many weights still fit memory. */
  private static final int MOST_CLASSES = 1_000_000;

  private final SmallClassifier network;
  private final String name;
  private final int classes;
  private final List<String> classNames;
  private final String trainedOn; // or null

  private ClassifierFeatures(
      SmallClassifier network, Path file, int classes, List<String> classNames, String trainedOn) {
    super(file);
    this.network = network;
    name = "small classifier " + file.getFileName() + ", not FID";
    this.classes = classes;
    this.classNames = classNames;
    this.trainedOn = trainedOn;
  }

  /**
   * Reads a classifier.
   *
   * @param file that {@link #save} wrote
   * @param precision {@code auto}, {@code float32} or {@code bfloat16}
   * @throws DataException if the file is missing, damaged, or of another network
   */
  public static ClassifierFeatures load(Path file, String precision) {
    var compute = Compute.choose(precision);
    var classes = classes(file);
    var network = new SmallClassifier(classes, compute, 0);
    try {
      Safetensors.read(file, network.parameters().byName());
      ConvolutionCheck.ensureRight(network.convolutions(), compute);
      var metadata = Safetensors.metadata(file);
      var names = metadata.get(CLASSES);
      return new ClassifierFeatures(
          network,
          file,
          classes,
          names == null ? List.of() : List.of(names.split(BETWEEN, -1)),
          metadata.get(SIZE));
    } catch (RuntimeException | Error e) {
      network.close();
      throw e;
    }
  }

  private static int classes(Path file) {
    var shape = Safetensors.shape(file, SmallClassifier.LAST_WEIGHT);
    if (shape.length != 2 || shape[0] < 1 || shape[0] > MOST_CLASSES) {
      throw new DataException(
          "%s is no classifier of this program: %s has the shape %s"
              .formatted(file, SmallClassifier.LAST_WEIGHT, Arrays.toString(shape)));
    }
    return (int) shape[0];
  }

  /**
   * Writes a classifier beside its place and renames it.
   *
   * @param source what it was trained on
   * @throws DataException if it cannot be written
   */
  public static void save(Path file, SmallClassifier network, ImageSource source) {
    WholeFile.write(
        file,
        out ->
            Safetensors.write(
                Channels.newChannel(out),
                network.parameters().byName(),
                Map.of(
                    CLASSES,
                    String.join(BETWEEN, source.classes()),
                    SIZE,
                    size(source.format().height(), source.format().width()))));
  }

  private static String size(int height, int width) {
    return width + "x" + height;
  }

  @Override
  void requireSize(int height, int width) {
    if (trainedOn != null && !trainedOn.equals(size(height, width))) {
      throw new DataException(
          "the %s, was trained on images of %s; of those of %s its features mean nothing"
              .formatted(name, trainedOn, size(height, width)));
    }
  }

  /** The names of the classes; empty where the file does not say them. */
  public List<String> classNames() {
    return classNames;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int size() {
    return SmallClassifier.FEATURES;
  }

  @Override
  public int classes() {
    return classes;
  }

  @Override
  Tensor[] forward(Tensor images) {
    var output = network.forward(images);
    return new Tensor[] {output.features(), output.logits()};
  }

  @Override
  public void close() {
    network.close();
  }
}
