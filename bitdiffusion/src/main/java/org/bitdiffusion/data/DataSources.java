package org.bitdiffusion.data;

import org.bitdiffusion.ConfigurationException;

/**
 * The data sources by name:
 *
 * <table>
 * <caption>sources, and their options with defaults</caption>
 * <tr><td>{@code icons}</td><td>size=24, levels=2</td></tr>
 * <tr><td>{@code idx:PATH}</td><td>split=train, size, levels=256</td></tr>
 * <tr><td>{@code cifar10:FOLDER}</td><td>split=train, size=32, levels=256</td></tr>
 * <tr><td>{@code cifar100:FOLDER}</td><td>split=train, labels=fine, size=32, levels=256</td></tr>
 * <tr><td>{@code imagenet64:FOLDER}</td><td></td></tr>
 * <tr><td>{@code images:FOLDER}</td><td>size=64, color=rgb, levels=256, palette=16,
 * skip_bad=false</td></tr>
 * </table>
 *
 * All take {@code subset=N}: only N examples, evenly spread.
 */
public final class DataSources {
  private DataSources() {}

  /**
   * Opens a source.
   *
   * @throws ConfigurationException if there is no such source or option
   * @throws org.bitdiffusion.DataException if its files are missing or damaged
   */
  public static ImageSource open(DataSpec spec) {
    var options = new Options(spec);
    var subset = options.integer("subset", 0, 1, Integer.MAX_VALUE);
    var source =
        switch (spec.source()) {
          case "icons" -> icons(spec, options);
          case "idx" -> {
            var split = options.word("split", "train", "train", "test");
            yield resized(options, Idx.open(options.path(), split));
          }
          case "cifar10" -> {
            var split = options.word("split", "train", "train", "test");
            yield resized(options, Cifar.open10(options.folder(), split));
          }
          case "cifar100" -> {
            var split = options.word("split", "train", "train", "test");
            var labels = options.word("labels", "fine", "fine", "coarse");
            yield resized(options, Cifar.open100(options.folder(), split, labels));
          }
          case "imagenet64" -> ImageNet64.open(options.folder());
          case "images" -> images(options);
          default ->
              throw new ConfigurationException(
                  "data source '"
                      + spec.source()
                      + "' is unknown; use icons, idx, cifar10, cifar100, imagenet64 or images");
        };
    options.rejectOthers();
    return subset == 0 || subset >= source.size() ? source : new Subset(source, subset);
  }

  private static ImageSource icons(DataSpec spec, Options options) {
    if (spec.path() != null) {
      throw new ConfigurationException("data icons has no path; write icons,size=24");
    }
    var size = options.integer("size", 24, 4, 512);
    var levels = options.integer("levels", 2, 2, 256);
    options.rejectOthers();
    return Icons.open(size, levels);
  }

  private static ImageSource images(Options options) {
    var color =
        options.word(
            "color", options.given("palette") ? "palette" : "rgb", "rgb", "grey", "palette");
    var config =
        new ImageFolder.Settings(
            options.integer("size", 64, 1, 4096),
            color,
            color.equals("palette")
                ? options.integer("palette", 16, 2, 256)
                : options.integer("levels", 256, 2, 256),
            options.word("skip_bad", "false", "false", "true").equals("true"));
    options.rejectOthers();
    return ImageFolder.open(options.folder(), config);
  }

  private static ImageSource resized(Options options, ImagesInMemory source) {
    var size = options.integer("size", 0, 1, 4096);
    var levels = options.integer("levels", 256, 2, 256);
    options.rejectOthers();
    var resized = size == 0 ? source : source.resized(size);
    return levels == 256 ? resized : resized.quantized(levels);
  }
}
