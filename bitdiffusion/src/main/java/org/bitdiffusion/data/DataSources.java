package org.bitdiffusion.data;

import java.util.function.Supplier;
import org.bitdiffusion.ConfigurationException;

/**
 * The data sources by name:
 *
 * <table>
 * <caption>sources, and their options with defaults</caption>
 * <tr><td>{@code icons}</td><td>size=24, levels=2: about 5,800 icons, always at hand</td></tr>
 * <tr><td>{@code idx:PATH}</td><td>split=train|test, size (as stored), levels=256: the MNIST
 * family, a folder or one file of images, gzip or not</td></tr>
 * <tr><td>{@code cifar10:FOLDER}</td><td>split=train|test, size=32, levels=256: the binary
 * version</td></tr>
 * <tr><td>{@code cifar100:FOLDER}</td><td>split=train|test, labels=fine|coarse, size=32,
 * levels=256: the binary version</td></tr>
 * <tr><td>{@code imagenet64:FOLDER}</td><td>split=train|val: the npz files of downsampled
 * ImageNet</td></tr>
 * <tr><td>{@code images:FOLDER}</td><td>size=64, color=rgb|grey|palette, levels=256 (rgb and
 * grey), palette=16 (number of colours), skip_bad=false: PNG, JPEG, GIF and BMP; sub-folders are
 * classes</td></tr>
 * <tr><td>{@code scenes}</td><td>split=train|test, count=50000 (test: 1000): pictures of icons that
 * five captions each describe</td></tr>
 * <tr><td>{@code emoji:FOLDER}</td><td>split=train|test, hold_out=vendor|emoji, size=64: a folder
 * of unpacked npm packages emoji-datasource-VENDOR</td></tr>
 * <tr><td>{@code captions:FILE}</td><td>size=224: JSON Lines of image and captions</td></tr>
 * <tr><td>{@code coco:FOLDER}</td><td>split=train|val, size=224: MS-COCO 2017</td></tr>
 * </table>
 *
 * <p>All take {@code subset=N}: only N examples, evenly spread. {@code levels} is K, the number of
 * values of a pixel or sub-pixel: 256 keeps bytes as they are.
 */
public final class DataSources {
  private static final int LARGEST = 4096;

  private DataSources() {}

  /**
   * Opens a source. All options are checked before any file is read.
   *
   * @throws ConfigurationException if there is no such source or option
   * @throws org.bitdiffusion.DataException if its files are missing or damaged
   */
  public static ImageSource open(DataSpec spec) {
    var options = new Options(spec);
    Supplier<ImageSource> kind =
        switch (spec.source()) {
          case "icons" -> icons(options);
          case "idx" -> idx(options);
          case "cifar10" -> cifar10(options);
          case "cifar100" -> cifar100(options);
          case "imagenet64" -> imageNet64(options);
          case "images" -> images(options);
          case "scenes" -> scenes(options);
          case "emoji" -> emoji(options);
          case "captions" -> captions(options);
          case "coco" -> coco(options);
          default ->
              throw new ConfigurationException(
                  "data source '"
                      + spec.source()
                      + "' is unknown; there are icons, idx, cifar10, cifar100, imagenet64, images, scenes, emoji, captions, coco");
        };
    var subset = options.integer("subset", 0, 1, Integer.MAX_VALUE);
    options.rejectOthers();
    var source = kind.get();
    if (subset > source.size()) {
      var size = source.size();
      source.close();
      throw new ConfigurationException(
          "data %s: subset is %d, but there are only %d examples"
              .formatted(spec.source(), subset, size));
    }
    return subset == 0 ? source : new Subset(source, subset);
  }

  private static Supplier<ImageSource> icons(Options options) {
    options.rejectPath();
    var size = options.integer("size", 24, 4, 256);
    var levels = options.integer("levels", 2, 2, 256);
    return () -> Icons.open(size, levels);
  }

  private static Supplier<ImageSource> idx(Options options) {
    var split = options.word("split", "train", "train", "test");
    var splitGiven = options.given("split");
    var size = options.integer("size", 0, 1, LARGEST);
    var levels = options.integer("levels", 256, 2, 256);
    return () -> Idx.open(options.path(), split, splitGiven).resized(size).quantized(levels);
  }

  private static Supplier<ImageSource> cifar10(Options options) {
    var split = options.word("split", "train", "train", "test");
    var size = options.integer("size", Cifar.SIDE, 1, Cifar.SIDE);
    var levels = options.integer("levels", 256, 2, 256);
    return () -> Cifar.open10(options.folder(), split).resized(size).quantized(levels);
  }

  private static Supplier<ImageSource> cifar100(Options options) {
    var split = options.word("split", "train", "train", "test");
    var labels = options.word("labels", "fine", "fine", "coarse");
    var size = options.integer("size", Cifar.SIDE, 1, Cifar.SIDE);
    var levels = options.integer("levels", 256, 2, 256);
    return () -> Cifar.open100(options.folder(), split, labels).resized(size).quantized(levels);
  }

  private static Supplier<ImageSource> imageNet64(Options options) {
    var split = options.word("split", "train", "train", "val");
    return () -> ImageNet64.open(options.folder(), split);
  }

  private static Supplier<ImageSource> emoji(Options options) {
    var test = options.word("split", "train", "train", "test").equals("test");
    var holdOut = options.word("hold_out", "vendor", "vendor", "emoji");
    var size = options.integer("size", 64, 1, 64);
    return () -> Emoji.open(options.folder(), size, test, holdOut);
  }

  private static Supplier<ImageSource> captions(Options options) {
    var size = options.integer("size", 224, 1, LARGEST);
    return () -> CaptionLines.open(options.path(), size);
  }

  private static Supplier<ImageSource> coco(Options options) {
    var split = options.word("split", "train", "train", "val");
    var size = options.integer("size", 224, 1, LARGEST);
    return () -> Coco.open(options.folder(), split, size);
  }

  private static Supplier<ImageSource> scenes(Options options) {
    options.rejectPath();
    var test = options.word("split", "train", "train", "test").equals("test");
    var count = options.integer("count", test ? 1000 : 50_000, 1, 100_000_000);
    return () -> Scenes.open(test, count);
  }

  private static Supplier<ImageSource> images(Options options) {
    var color =
        options.word(
            "color", options.given("palette") ? "palette" : "rgb", "rgb", "grey", "palette");
    var categories =
        color.equals("palette")
            ? options.integer("palette", 16, 2, 256)
            : options.integer("levels", 256, 2, 256);
    var size = options.integer("size", 64, 1, LARGEST);
    var skipBad = options.word("skip_bad", "false", "false", "true").equals("true");
    var settings = new ImageFolder.Settings(size, color, categories, skipBad);
    return () -> ImageFolder.open(options.folder(), settings);
  }
}
