package org.bitdiffusion.modality.image;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.RegularFile;
import org.bitdiffusion.io.WholeFile;
import org.bitdiffusion.runtime.Safetensors;

/**
 * Images that were read once, however long that took, and packed into one file: later runs map it
 * and read an image by copying its bytes. A million images of 64x64 are 12 GB on disk, of which the
 * system keeps in memory what fits.
 *
 * <p>The file is one of safetensors: {@code labels} [N] I32, where there are classes, {@code
 * captions} U8, where there are some, a list of texts for each image as JSON in UTF-8, and {@code
 * images} [N, C, H, W] U8 behind them; its metadata say what the images are, how they became
 * squares, and of what they were made.
 */
final class PackedImages implements ImageSource {
  /** The ending of such files. */
  static final String ENDING = ".pack";

  private static final String IMAGES = "images";
  private static final String LABELS = "labels";
  private static final String CAPTIONS = "captions";
  private static final String FIT = "fit";
  private static final String FORMAT = "bitdiff_images";
  private static final String VERSION = "1";
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int MAPPED = 1 << 30; // bytes that one buffer maps at most
  private static final int MOST_CATEGORIES = 256; // of a byte
  private static final int PIECE = 1 << 24; // bytes of images that are read at a time

  private final String name;
  private final ImageFormat format;
  private final Fit fit;
  private final List<String> classes;
  private final int[] labels;
  private final List<List<String>> captions;
  private final int size;
  private final int perBuffer; // images
  private final MappedByteBuffer[] buffers;

  private PackedImages(
      String name,
      ImageFormat format,
      Fit fit,
      List<String> classes,
      int[] labels,
      List<List<String>> captions,
      int size,
      int perBuffer,
      MappedByteBuffer[] buffers) {
    this.name = name;
    this.format = format;
    this.fit = fit;
    this.classes = classes;
    this.labels = labels;
    this.captions = captions;
    this.size = size;
    this.perBuffer = perBuffer;
    this.buffers = buffers;
  }

  /**
   * Packs images, which are read on all processors.
   *
   * @throws DataException if one cannot be read, or the file cannot be written; nothing is left of
   *     it then
   */
  static void write(Path file, ImageSource source) {
    WholeFile.write(file, out -> write(source, out));
  }

  private static void write(ImageSource source, OutputStream out) throws IOException {
    var format = source.format();
    var count = source.size();
    var hasClasses = !source.classes().isEmpty();
    var header = JSON.createObjectNode();
    header
        .putObject("__metadata__")
        .put(FORMAT, VERSION)
        .put("of", source.name())
        .put(FIT, source.fit().option())
        .put("categories", Integer.toString(format.categories()))
        .put("palette", JSON.writeValueAsString(format.palette()))
        .put("classes", JSON.writeValueAsString(source.classes()));
    var labels = hasClasses ? 4L * count : 0;
    if (hasClasses) {
      tensor(header, LABELS, "I32", 0, labels, count);
    }
    var captions = captions(source);
    var begin = labels + captions.length;
    if (captions.length > 0) {
      tensor(header, CAPTIONS, "U8", labels, begin, captions.length);
    }
    var bytes = (long) count * format.symbols();
    tensor(
        header,
        IMAGES,
        "U8",
        begin,
        begin + bytes,
        count,
        format.channels(),
        format.height(),
        format.width());
    var json = JSON.writeValueAsBytes(header);
    var padded = Arrays.copyOf(json, (json.length + 7) / 8 * 8);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    out.write(little(Long.BYTES).putLong(padded.length).array());
    out.write(padded);
    if (hasClasses) {
      var values = little(4 * count);
      for (var i = 0; i < count; i++) {
        values.putInt(source.label(i));
      }
      out.write(values.array());
    }
    out.write(captions);
    var atATime = Math.max(1, PIECE / format.symbols());
    for (var first = 0; first < count; first += atATime) {
      out.write(images(source, first, Math.min(atATime, count - first)));
    }
  }

  /** Empty where there are none. */
  private static byte[] captions(ImageSource source) throws JsonProcessingException {
    var all = IntStream.range(0, source.size()).mapToObj(source::captions).toList();
    return all.stream().allMatch(List::isEmpty) ? new byte[0] : JSON.writeValueAsBytes(all);
  }

  private static byte[] images(ImageSource source, int first, int count) {
    var symbols = source.format().symbols();
    var bytes = new byte[count * symbols];
    IntStream.range(0, count)
        .parallel()
        .forEach(
            i -> {
              var image = new int[symbols];
              source.read(first + i, image, 0);
              for (var j = 0; j < symbols; j++) {
                bytes[i * symbols + j] = (byte) image[j];
              }
            });
    return bytes;
  }

  private static void tensor(
      ObjectNode header, String name, String type, long from, long to, int... shape) {
    var tensor = header.putObject(name).put("dtype", type);
    var sides = tensor.putArray("shape");
    for (var side : shape) {
      sides.add(side);
    }
    tensor.putArray("data_offsets").add(from).add(to);
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Maps a file.
   *
   * @throws DataException if it is missing, damaged, or none of these
   */
  static PackedImages open(Path file) {
    return open(file, MAPPED);
  }

  /**
   * @param mapped bytes that one buffer maps at most
   */
  static PackedImages open(Path file, int mapped) {
    var metadata = Safetensors.metadata(file);
    if (!VERSION.equals(metadata.get(FORMAT))) {
      throw new DataException(
          file
              + " holds no packed images that this version reads; 'bitdiff data SOURCE --out NAME"
              + ENDING
              + "' makes some");
    }
    var images = Safetensors.place(file, IMAGES);
    var shape = images.shape();
    try {
      if (!images.type().equals("U8")
          || shape.length != 4
          || Arrays.stream(shape).anyMatch(side -> side < 1 || side > Integer.MAX_VALUE)) {
        throw new DataException(file + " is damaged: its images are not [N, C, H, W] of U8");
      }
      var of = metadata.get("of");
      var categories = Integer.parseInt(metadata.get("categories"));
      if (of == null || categories < 2 || categories > MOST_CATEGORIES) {
        throw new IllegalArgumentException("of and categories");
      }
      var colours = list(metadata.get("palette"), new TypeReference<List<Integer>>() {});
      var classes = list(metadata.get("classes"), new TypeReference<List<String>>() {});
      var format =
          new ImageFormat((int) shape[1], (int) shape[2], (int) shape[3], categories, colours);
      var fit = Fit.PAD.option().equals(metadata.get(FIT)) ? Fit.PAD : Fit.CROP;
      var perBuffer = Math.max(1, mapped / format.symbols());
      return map(file, of, format, fit, classes, images, perBuffer);
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new DataException(file + " is damaged: its header does not say what its images are", e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  /** A list, none of which is null, which JSON may be. */
  private static <T> List<T> list(String json, TypeReference<List<T>> type)
      throws JsonProcessingException {
    var list = JSON.readValue(json, type);
    if (list == null || list.contains(null)) {
      throw new IllegalArgumentException("no list");
    }
    return list;
  }

  private static PackedImages map(
      Path file,
      String of,
      ImageFormat format,
      Fit fit,
      List<String> classes,
      Safetensors.Place images,
      int perBuffer)
      throws IOException {
    var size = (int) images.shape()[0];
    var symbols = format.symbols();
    try (var channel = FileChannel.open(RegularFile.require(file), StandardOpenOption.READ)) {
      var labels = classes.isEmpty() ? null : labels(file, channel, size, classes.size());
      var captions =
          Safetensors.names(file).contains(CAPTIONS)
              ? captions(file, channel, size)
              : List.<List<String>>of();
      var buffers = new MappedByteBuffer[(size + perBuffer - 1) / perBuffer];
      for (var i = 0; i < buffers.length; i++) {
        var first = (long) i * perBuffer;
        buffers[i] =
            channel.map(
                FileChannel.MapMode.READ_ONLY,
                images.offset() + first * symbols,
                Math.min(perBuffer, size - first) * symbols);
      }
      return new PackedImages(
          "%s (%s)".formatted(file, of),
          format,
          fit,
          classes,
          labels,
          captions,
          size,
          perBuffer,
          buffers);
    }
  }

  private static int[] labels(Path file, FileChannel channel, int size, int classes)
      throws IOException {
    var place = Safetensors.place(file, LABELS);
    if (!place.type().equals("I32") || !Arrays.equals(place.shape(), new long[] {size})) {
      throw new DataException(file + " is damaged: its labels are not [N] of I32");
    }
    var labels = new int[size];
    bytes(file, channel, place, Math.multiplyExact(4, size)).asIntBuffer().get(labels);
    for (var i = 0; i < size; i++) {
      if (labels[i] < -1 || labels[i] >= classes) {
        throw new DataException(
            "%s is damaged: image %d has the label %d, and there are %d classes"
                .formatted(file, i, labels[i], classes));
      }
    }
    return labels;
  }

  private static List<List<String>> captions(Path file, FileChannel channel, int size)
      throws IOException {
    var place = Safetensors.place(file, CAPTIONS);
    if (!place.type().equals("U8")
        || place.shape().length != 1
        || place.shape()[0] > Integer.MAX_VALUE) {
      throw new DataException(file + " is damaged: its captions are no text");
    }
    var json = bytes(file, channel, place, (int) place.shape()[0]).array();
    List<List<String>> captions = null;
    try {
      captions = JSON.readValue(json, new TypeReference<List<List<String>>>() {});
    } catch (JsonProcessingException e) {
      // As if it were something else than lists.
    }
    if (captions == null
        || captions.size() != size
        || captions.stream().anyMatch(texts -> texts == null || texts.contains(null))) {
      throw new DataException(file + " is damaged: its captions are no lists, one for each image");
    }
    return captions.stream().map(List::copyOf).toList();
  }

  private static ByteBuffer bytes(
      Path file, FileChannel channel, Safetensors.Place place, int count) throws IOException {
    var bytes = little(count);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, place.offset() + bytes.position()) < 0) {
        throw new DataException(file + " is damaged: it ends too early");
      }
    }
    return bytes.flip();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public ImageFormat format() {
    return format;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public List<String> classes() {
    return classes;
  }

  @Override
  public Fit fit() {
    return fit;
  }

  @Override
  public List<String> captions(int index) {
    return captions.isEmpty() ? List.of() : captions.get(index);
  }

  @Override
  public int label(int index) {
    return labels == null ? -1 : labels[index];
  }

  @Override
  public void read(int index, int[] target, int offset) {
    var symbols = format.symbols();
    var image = new byte[symbols];
    buffers[index / perBuffer].get(index % perBuffer * symbols, image);
    for (var i = 0; i < symbols; i++) {
      var symbol = image[i] & 255;
      if (symbol >= format.categories()) {
        throw new DataException(
            "%s is damaged: image %d has the value %d, and K is %d"
                .formatted(name, index, symbol, format.categories()));
      }
      target[offset + i] = symbol;
    }
  }
}
