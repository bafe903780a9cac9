package org.bitdiffusion.io;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.bitdiffusion.DataException;

/** Arrays of real numbers in NumPy's npz format: what {@code numpy.savez} writes. */
public final class Npz {
  private Npz() {}

  /**
   * An array of real numbers.
   *
   * @param shape of the array
   * @param values row-major
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  public record Doubles(int[] shape, double[] values) {}

  /**
   * Reads arrays of an archive; those that are not named are left alone.
   *
   * @param most values that one of them may have: a small archive may claim any number
   * @throws DataException if the file is no npz archive, lacks an array, or one has more values, or
   *     another type than float32 or float64
   */
  public static Map<String, Doubles> read(Path file, int most, String... names) {
    var arrays = readSome(file, most, names);
    for (var name : names) {
      if (!arrays.containsKey(name)) {
        throw new DataException("%s has no array '%s'".formatted(file, name));
      }
    }
    return arrays;
  }

  /**
   * Reads those arrays of an archive that are there.
   *
   * @param most values that one of them may have
   * @throws DataException if the file is no npz archive, or an array has more values, or another
   *     type than float32 or float64
   */
  public static Map<String, Doubles> readSome(Path file, int most, String... names) {
    var arrays = new LinkedHashMap<String, Doubles>();
    try (var zip = new ZipFile(RegularFile.require(file).toFile())) {
      for (var name : names) {
        var entry = zip.getEntry(name + ".npy");
        if (entry == null) {
          continue;
        }
        var place = "%s: %s".formatted(file, name);
        try (var in = open(zip, entry)) {
          var header = Npy.header(place, in);
          if (header.count() > most) {
            throw new DataException(
                "%s has the shape %s, of more values than the %,d that it may have"
                    .formatted(place, Arrays.toString(header.shape()), most));
          }
          arrays.put(name, new Doubles(header.shape(), Npy.doubles(place, header, in)));
          in.transferTo(OutputStream.nullOutputStream()); // the checksum is looked at at the end
        }
      }
    } catch (ZipException | EOFException e) {
      throw new DataException(
          "%s is no npz archive, or damaged: %s".formatted(file, e.getMessage()), e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
    return arrays;
  }

  /**
   * The bytes of an entry. Reading its end complains if they are not those that were packed, which
   * the JDK does not look at.
   */
  public static InputStream open(ZipFile zip, ZipEntry entry) throws IOException {
    return new CheckedInputStream(zip.getInputStream(entry), new CRC32()) {
      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        var count = super.read(buffer, offset, length);
        if (count < 0 && getChecksum().getValue() != entry.getCrc()) {
          throw new ZipException("the checksum of " + entry.getName() + " is wrong");
        }
        return count;
      }
    };
  }

  /**
   * Writes arrays as float64, in their order.
   *
   * @throws DataException if the file cannot be written
   */
  public static void write(Path file, Map<String, Doubles> arrays) {
    WholeFile.write(
        file,
        out -> {
          var zip = new ZipOutputStream(out);
          for (var array : arrays.entrySet()) {
            zip.putNextEntry(new ZipEntry(array.getKey() + ".npy"));
            Npy.write(zip, array.getValue().shape(), array.getValue().values());
            zip.closeEntry();
          }
          zip.finish();
        });
  }
}
