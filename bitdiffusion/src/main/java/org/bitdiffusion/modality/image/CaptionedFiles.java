package org.bitdiffusion.modality.image;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;

/**
 * Image files with captions, as red, green and blue: each is cropped to its central square and
 * averaged down ({@link ImageFiles}) whenever it is read.
 *
 * @param side of the images, in pixels
 * @param captions of each file, at least one
 */
record CaptionedFiles(String name, int side, List<Path> files, List<List<String>> captions)
    implements ImageSource {
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
   * Opens the files: decodes them all and keeps them, if they fit in half of Java's memory.
   *
   * @throws DataException if there are none, one is missing, or one of those kept is damaged
   */
  static ImageSource open(String name, int side, List<Path> files, List<List<String>> captions) {
    if (files.isEmpty()) {
      throw new DataException(name + ": there are no images with captions");
    }
    for (var file : files) {
      if (!Files.isRegularFile(file)) {
        throw new DataException("%s: the image %s does not exist".formatted(name, file));
      }
    }
    var opened = new CaptionedFiles(name, side, List.copyOf(files), List.copyOf(captions));
    if (files.size() * 3L * side * side > Runtime.getRuntime().maxMemory() / 2) {
      return opened;
    }
    var images = new byte[files.size()][];
    IntStream.range(0, images.length)
        .parallel()
        .forEach(i -> images[i] = ImageFiles.square(files.get(i), side));
    return new ImagesInMemory(name, opened.format(), images, new int[0], List.of(), captions);
  }

  @Override
  public ImageFormat format() {
    return new ImageFormat(3, side, side, 256, List.of());
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
    for (var value : ImageFiles.square(files.get(index), side)) {
      target[offset++] = value & 255;
    }
  }
}
