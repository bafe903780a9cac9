package org.bitdiffusion.text;

import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.ImageSource;
import org.bitdiffusion.data.Jitter;

/**
 * Captions of images as rows of L tokens, shape [1, L], each with the image that it describes. Of
 * an image with several captions, one is drawn each time.
 */
public final class CaptionData implements DataSource {
  private final ImageSource images;
  private final Tokenizer tokenizer;
  private final int length;
  private final Jitter jitter;
  private final int cut;

  /** Of images that do not change: {@link #CaptionData(ImageSource, Tokenizer, int, Jitter)}. */
  public CaptionData(ImageSource images, Tokenizer tokenizer, int length) {
    this(images, tokenizer, length, Jitter.NONE);
  }

  /**
   * @param images each with at least one caption; closed with this
   * @param tokenizer closed with this
   * @param length L
   * @param jitter how images change in training
   * @throws DataException if an image has no caption, or a caption cannot be written in tokens
   */
  public CaptionData(ImageSource images, Tokenizer tokenizer, int length, Jitter jitter) {
    this.images = images;
    this.tokenizer = tokenizer;
    this.length = length;
    this.jitter = jitter;
    var tooLong = 0;
    for (var i = 0; i < images.size(); i++) {
      var captions = images.captions(i);
      if (captions.isEmpty()) {
        throw new DataException(
            "%s: image %d has no caption; 'bitdiff data --help' says which sources have them"
                .formatted(images.name(), i));
      }
      for (var caption : captions) {
        if (tokenizer.count(caption) >= length) {
          tooLong++;
        }
      }
    }
    cut = tooLong;
  }

  /**
   * Complains unless the images have the size that a network reads.
   *
   * @throws ConfigurationException if they have another
   */
  public void requireSide(int side) {
    var format = images.format();
    if (format.height() != side || format.width() != side) {
      throw new ConfigurationException(
          "%s: images are %dx%d, but network.encoder.image_size is %d"
              .formatted(images.name(), format.width(), format.height(), side));
    }
  }

  /** All captions of images, one after the other. */
  public static Iterable<String> captions(ImageSource images) {
    return () ->
        IntStream.range(0, images.size())
            .boxed()
            .flatMap(i -> images.captions(i).stream())
            .iterator();
  }

  /** The images, with their captions as text. */
  public ImageSource images() {
    return images;
  }

  /** How captions become tokens. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The number of captions that have more tokens than L - 1, and lose the last of them. */
  public int cut() {
    return cut;
  }

  @Override
  public String name() {
    return images.name();
  }

  @Override
  public int[] shape() {
    return new int[] {1, length};
  }

  @Override
  public int categories() {
    return tokenizer.vocabulary();
  }

  @Override
  public int size() {
    return images.size();
  }

  @Override
  public void read(int index, int[] target, int offset) {
    read(index, 0, target, offset);
  }

  @Override
  public void read(int index, long draw, int[] target, int offset) {
    var captions = images.captions(index);
    var caption = captions.get((int) Math.floorMod(draw, (long) captions.size()));
    var ids = tokenizer.encode(caption, length).ids();
    System.arraycopy(ids, 0, target, offset, length);
  }

  @Override
  public int[] conditionShape() {
    return new int[] {3, images.format().height(), images.format().width()};
  }

  /** The image as red, green and blue, 0 to 255. */
  @Override
  public void readCondition(int index, byte[] target, int offset) {
    var format = images.format();
    var symbols = new int[format.symbols()];
    images.read(index, symbols, 0);
    format.rgb(symbols, 0, target, offset);
  }

  @Override
  public void readCondition(int index, long draw, byte[] target, int offset) {
    readCondition(index, target, offset);
    jitter.apply(target, offset, images.format().height(), images.format().width(), draw);
  }

  @Override
  public void close() {
    images.close();
    tokenizer.close();
  }
}
