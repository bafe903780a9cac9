package org.bitdiffusion.modality.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import org.bitdiffusion.DataException;

/**
 * Image files with captions, as red, green and blue, each made a square ({@link ImageFiles}). All
 * are decoded once when they are opened, which finds bad ones, and kept if they fit in half of
 * Java's memory, else decoded again whenever they are read.
 *
 * @param captions of each file, at least one
 * @param images of each file, [3, H, W] unsigned; empty where they are not kept
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record CaptionedFiles(
    String name, Settings settings, List<Path> files, List<List<String>> captions, byte[][] images)
    implements ImageSource {
  /**
   * @param size side of the images, in pixels
   * @param fit how they become squares
   * @param skipBad whether images that cannot be used are left out instead of an error
   */
  record Settings(int size, Fit fit, boolean skipBad) {
    /** For people. */
    @Override
    public String toString() {
      return "%dx%d, %s".formatted(size, size, fit == Fit.PAD ? "padded" : "cropped");
    }
  }

  /**
   * The file of an image that is named in a folder.
   *
   * @param place where the name stands, for a person
   * @throws DataException if no file can have that name
   */
  static Path image(String place, Path folder, String name) {
    try {
      return folder.resolve(name);
    } catch (InvalidPathException e) {
      throw new DataException(
          "%s: '%s' is no name of a file: %s".formatted(place, name, e.getReason()), e);
    }
  }

  /**
   * Opens the files.
   *
   * @throws DataException if there are none, or one is missing or bad and shall not be left out
   */
  static ImageSource open(
      String name, Settings settings, List<Path> files, List<List<String>> captions) {
    return open(name, settings, files, captions, Runtime.getRuntime().maxMemory() / 2);
  }

  /**
   * @param memory bytes that all images together may take to be kept
   */
  static ImageSource open(
      String name, Settings settings, List<Path> files, List<List<String>> captions, long memory) {
    if (files.isEmpty()) {
      throw new DataException(name + ": there are no images with captions");
    }
    if (!settings.skipBad()) {
      files.forEach(file -> requireThere(name, file)); // at once, as decoding all takes a while
    }
    var keep = files.size() * 3L * settings.size() * settings.size() <= memory;
    var checked =
        CheckedFiles.decode(
            name,
            files,
            file -> {
              requireThere(name, file);
              return ImageFiles.square(file, settings.size(), settings.fit());
            },
            keep,
            settings.skipBad());
    return new CaptionedFiles(
        name, settings, checked.good(files), checked.good(captions), checked.images());
  }

  private static void requireThere(String name, Path file) {
    if (!Files.isRegularFile(file)) {
      throw new DataException("%s: the image %s does not exist".formatted(name, file));
    }
  }

  @Override
  public ImageFormat format() {
    return new ImageFormat(3, settings.size(), settings.size(), 256, List.of());
  }

  @Override
  public Fit fit() {
    return settings.fit();
  }

  @Override
  public int size() {
    return files.size();
  }

  @Override
  public List<String> captions(int index) {
    return captions.get(index);
  }

  @Override
  public void read(int index, int[] target, int offset) {
    var image =
        images.length > 0
            ? images[index]
            : ImageFiles.square(files.get(index), settings.size(), settings.fit());
    for (var value : image) {
      target[offset++] = value & 255;
    }
  }

  @Override
  public boolean reads(Path file) {
    try {
      for (var one : files) {
        if (Files.exists(one) && Files.isSameFile(one, file)) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }
}
