package org.bitdiffusion.metrics.table;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.bitdiffusion.metrics.table.Values.Categories;
import org.bitdiffusion.metrics.table.Values.Numbers;

/** Tables for tests; those of files are told of in the README.md beside them. */
final class Fixtures {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Fixtures() {}

  static JsonNode read(String file) {
    try (var in = Fixtures.class.getResourceAsStream(file)) {
      return JSON.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The real and the synthetic table of a case, with as many categories as both need. */
  static List<Table> pair(JsonNode fixture) {
    return tables(fixture.get("real"), fixture.get("synthetic"));
  }

  static List<Table> tables(JsonNode... tables) {
    var columns = tables[0].size();
    var counts = new int[columns];
    for (var table : tables) {
      for (var i = 0; i < columns; i++) {
        for (var value : table.get(i).get("values")) {
          counts[i] = Math.max(counts[i], value.isNull() ? 0 : (int) value.asDouble() + 1);
        }
      }
    }
    var result = new ArrayList<Table>();
    for (var table : tables) {
      result.add(
          new Table(
              IntStream.range(0, columns).mapToObj(i -> table.get(i).get("name").asText()).toList(),
              IntStream.range(0, columns).mapToObj(i -> column(table.get(i), counts[i])).toList()));
    }
    return result;
  }

  private static Values column(JsonNode column, int count) {
    var values = numbers(column.get("values"));
    if (column.get("kind").asText().equals("numbers")) {
      return new Numbers(values);
    }
    var codes = new int[values.length];
    for (var row = 0; row < codes.length; row++) {
      codes[row] = Double.isNaN(values[row]) ? Categories.MISSING : (int) values[row];
    }
    return new Categories(codes, count);
  }

  /** Numbers, NaN where there is null. */
  static double[] numbers(JsonNode values) {
    return StreamSupport.stream(values.spliterator(), false)
        .mapToDouble(value -> value.isNull() ? Double.NaN : value.asDouble())
        .toArray();
  }

  static int[] whole(JsonNode values) {
    return StreamSupport.stream(values.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }

  static Numbers numbers(double... values) {
    return new Numbers(values);
  }

  static Categories categories(int count, int... codes) {
    return new Categories(codes, count);
  }

  /** Columns named a, b, c ... */
  static Table table(Values... columns) {
    return new Table(
        IntStream.range(0, columns.length).mapToObj(i -> String.valueOf((char) ('a' + i))).toList(),
        List.of(columns));
  }
}
