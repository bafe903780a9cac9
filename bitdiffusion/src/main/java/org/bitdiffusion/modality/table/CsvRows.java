package org.bitdiffusion.modality.table;

import java.io.BufferedInputStream;
import java.io.FilterReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.apache.commons.csv.CSVException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.RegularFile;
import org.tukaani.xz.XZInputStream;

/**
 * A file of comma-separated values, or of values separated otherwise, as RFC 4180 has it: quoted
 * fields may have separators and ends of lines. Empty lines are no rows. Of spaces after all
 * separators, fields are freed.
 */
final class CsvRows implements Rows {
  /** How a file is read. */
  record Format(Optional<Character> separator, Optional<Charset> charset, boolean header) {}

  /** Characters of a row: more are those of a quote that is never closed. */
  private static final int LONGEST_ROW = 1 << 26;

  /** From so many characters at the beginning the separator is told. */
  private static final int SNIFFED = 1 << 16;

  /** Memory of the unpacking of xz, in KiB: as much as its strongest setting needs. */
  private static final int XZ_MEMORY = 128 * 1024;

  private static final char BYTE_ORDER_MARK = '\ufeff';
  private static final List<Character> SEPARATORS = List.of(',', ';', '\t', '|');

  private final Input input;
  private final Path file; // for messages
  private final Charset charset;
  private final boolean header;
  private final char separator;
  private final boolean spaced;
  private final CSVParser parser;
  private final Guard guard;
  private final Iterator<CSVRecord> records;
  private final List<String> names;
  private final Object version;
  private CSVRecord waiting; // the first row of a file without header
  private long line; // of the row that was read last
  private long lastLine; // of its end
  private long start; // of the characters of the row that was read last

  /** What is read, from its beginning and more than once. */
  private sealed interface Input {
    /** For messages. */
    Path name();

    InputStream open() throws IOException;

    /** Another one when it has been changed. */
    Object version() throws IOException;
  }

  private record InFile(Path name) implements Input {
    @Override
    public InputStream open() throws IOException {
      return Files.newInputStream(name);
    }

    @Override
    public Object version() throws IOException {
      RegularFile.require(name);
      return List.of(Files.size(name), Files.getLastModifiedTime(name));
    }
  }

  /** What comes with the library. */
  private record InLibrary(Path name) implements Input {
    @Override
    public InputStream open() {
      return CsvRows.class.getResourceAsStream(name.toString());
    }

    @Override
    public Object version() {
      return name;
    }
  }

  /**
   * Opens a file, and reads its header.
   *
   * @throws DataException if it cannot be read, or is none of this kind
   */
  static CsvRows open(Path file, Format format) {
    return open(new InFile(file), format);
  }

  /** A table of commas and UTF-8 that lies beside this class. */
  static CsvRows ofLibrary(String name) {
    var format = new Format(Optional.of(','), Optional.of(StandardCharsets.UTF_8), true);
    return open(new InLibrary(Path.of(name)), format);
  }

  private static CsvRows open(Input input, Format format) {
    Reader reader = null;
    var file = input.name();
    try {
      var version = input.version();
      var charset = charset(input, format);
      reader = reader(input, charset);
      var beginning = beginning(reader);
      if (beginning.isBlank()) {
        throw new DataException(file + " is empty: it has no row");
      }
      if (beginning.indexOf('\0') >= 0) {
        throw new DataException(
            file + " is no text: it has a character 0; name a file of separated values");
      }
      return new CsvRows(input, format, charset, beginning, reader, version);
    } catch (IOException | UncheckedIOException | DataException e) {
      close(reader);
      throw e instanceof DataException known
          ? known
          : failed(input, format.charset().orElse(StandardCharsets.UTF_8), 1, e);
    }
  }

  private CsvRows(
      Input input, Format format, Charset charset, String beginning, Reader rest, Object version)
      throws IOException {
    this.input = input;
    file = input.name();
    this.charset = charset;
    this.version = version;
    header = format.header();
    separator = format.separator().orElseGet(() -> separator(beginning, file));
    guard = new Guard(new Joined(beginning, rest));
    spaced = isSpaced(beginning, separator);
    parser = CSVParser.parse(guard, csv(separator, spaced));
    records = parser.iterator();
    var first = read();
    if (first == null) {
      throw new DataException(file + " is empty: it has no row");
    }
    waiting = header ? null : first;
    names = header ? names(first) : numbered(first.size());
  }

  private static CSVFormat csv(char separator, boolean spaced) {
    return CSVFormat.RFC4180
        .builder()
        .setDelimiter(separator)
        .setIgnoreEmptyLines(true)
        .setIgnoreSurroundingSpaces(spaced)
        .get();
  }

  // ---------------------------------------------------------------- beginning

  private static InputStream unpacked(Input file) throws IOException {
    var in = new BufferedInputStream(file.open(), 1 << 16);
    try {
      in.mark(8);
      var magic = in.readNBytes(6);
      in.reset();
      if (begins(magic, 0x1f, 0x8b)) {
        return new GZIPInputStream(in, 1 << 16);
      }
      if (begins(magic, 0xfd, '7', 'z', 'X', 'Z', 0)) {
        return new XZInputStream(in, XZ_MEMORY);
      }
      if (begins(magic, 'P', 'K', 3, 4)) {
        throw new DataException(
            file.name() + " is a zip archive (or a spreadsheet); unpack it, or save it as CSV");
      }
      if (begins(magic, 'P', 'A', 'R', '1')) {
        throw new DataException(file.name() + " is a Parquet file; write it as CSV");
      }
      return in;
    } catch (IOException | RuntimeException e) {
      in.close();
      throw e;
    }
  }

  private static boolean begins(byte[] bytes, int... magic) {
    for (var i = 0; i < magic.length; i++) {
      if (i >= bytes.length || (bytes[i] & 0xff) != magic[i]) {
        return false;
      }
    }
    return true;
  }

  /** UTF-8, unless something else is said, or a byte order mark tells UTF-16. */
  private static Charset charset(Input file, Format format) throws IOException {
    var said = format.charset().orElse(StandardCharsets.UTF_8);
    if (format.charset().isPresent() && !said.equals(StandardCharsets.UTF_16)) {
      return said;
    }
    try (var in = unpacked(file)) {
      var mark = in.readNBytes(2);
      // Those two keep the mark, so that what is written again has it too.
      return begins(mark, 0xff, 0xfe)
          ? StandardCharsets.UTF_16LE
          : begins(mark, 0xfe, 0xff) ? StandardCharsets.UTF_16BE : said;
    }
  }

  private static Reader reader(Input file, Charset charset) throws IOException {
    var decoder =
        charset
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    return new InputStreamReader(unpacked(file), decoder);
  }

  /** The first characters, behind the byte order mark. */
  private static String beginning(Reader reader) throws IOException {
    var buffer = new char[SNIFFED];
    var length = 0;
    for (var n = 0; length < buffer.length && n >= 0; length += Math.max(0, n)) {
      n = reader.read(buffer, length, buffer.length - length);
    }
    var from = length > 0 && buffer[0] == BYTE_ORDER_MARK ? 1 : 0;
    return new String(buffer, from, length - from);
  }

  /** The one by which the first rows fall into as many fields each, and into most of them. */
  private static char separator(String beginning, Path file) {
    if (file.getFileName()
        .toString()
        .toLowerCase(java.util.Locale.ROOT)
        .matches(".*\\.tsv(\\.gz|\\.xz)?")) {
      return '\t';
    }
    var best = ',';
    var most = 0.0;
    for (var separator : SEPARATORS) {
      var sizes = sizes(beginning, separator);
      if (sizes.isEmpty() || sizes.get(0) < 2) {
        continue;
      }
      var alike = (double) sizes.stream().filter(sizes.get(0)::equals).count() / sizes.size();
      var score = alike * alike * 1000 + Math.min(sizes.get(0), 100);
      if (score > most) {
        most = score;
        best = separator;
      }
    }
    return best;
  }

  private static List<Integer> sizes(String beginning, char separator) {
    var sizes = new ArrayList<Integer>();
    rows(beginning, separator, false).forEach(row -> sizes.add(row.size()));
    return sizes;
  }

  /** Up to a hundred rows at the beginning; the last one may be cut off. */
  private static List<CSVRecord> rows(String beginning, char separator, boolean spaced) {
    var rows = new ArrayList<CSVRecord>();
    try (var parser = CSVParser.parse(new StringReader(beginning), csv(separator, spaced))) {
      for (var row : parser) {
        rows.add(row);
        if (rows.size() == 100) {
          break;
        }
      }
    } catch (IOException | UncheckedIOException | IllegalStateException e) {
      // what was read until then
    }
    return beginning.length() >= SNIFFED - 1 && rows.size() > 1 && rows.size() < 100
        ? rows.subList(0, rows.size() - 1)
        : rows;
  }

  /** Whether a space stands behind each separator, which is none of the fields'. */
  private static boolean isSpaced(String beginning, char separator) {
    if (separator == '\t') {
      return false;
    }
    var lines = beginning.lines().limit(100).filter(line -> !line.isBlank()).toList();
    var complete =
        beginning.length() >= SNIFFED - 1 && lines.size() > 1 && lines.size() < 100
            ? lines.subList(0, lines.size() - 1)
            : lines;
    var found = false;
    for (var line : complete) {
      for (var at = line.indexOf(separator); at >= 0; at = line.indexOf(separator, at + 1)) {
        found = true;
        if (at + 1 < line.length()
            && line.charAt(at + 1) != ' '
            && line.charAt(at + 1) != separator) {
          return false;
        }
      }
    }
    return found && complete.stream().anyMatch(line -> line.contains(separator + " "));
  }

  private List<String> names(CSVRecord first) {
    var names = new ArrayList<String>();
    var before = new HashMap<String, Integer>();
    for (var i = 0; i < first.size(); i++) {
      var name = first.get(i).strip();
      if (name.isEmpty()) {
        name = "column_" + (i + 1);
      }
      var other = before.put(name, i + 1);
      if (other != null) {
        throw new DataException(
            "%s line %d: columns %d and %d are both called '%s'; rename one%s"
                .formatted(
                    file,
                    line,
                    other,
                    i + 1,
                    name,
                    Numbers.parse(name, '.') != null
                        ? ", or say header=no if these are no names"
                        : ""));
      }
      names.add(name);
    }
    return names;
  }

  private static List<String> numbered(int count) {
    var names = new ArrayList<String>();
    for (var i = 1; i <= count; i++) {
      names.add("column_" + i);
    }
    return names;
  }

  // ---------------------------------------------------------------- rows

  @Override
  public String[] next() {
    var row = waiting != null ? waiting : read();
    waiting = null;
    if (row == null) {
      requireUnchanged();
      return null;
    }
    if (row.size() != names.size()) {
      throw new DataException(
          "%s line %d has %d fields, but the %s has %d%s"
              .formatted(
                  file,
                  line,
                  row.size(),
                  header ? "header" : "first line",
                  names.size(),
                  row.size() == 1 && names.size() > 1
                      ? "; is the separator another one there?"
                      : "; is a separator missing, or a field without quotes?"));
    }
    var cells = row.values();
    if (header && isHeader(cells)) {
      throw new DataException("%s line %d is the header again; remove it".formatted(file, line));
    }
    return cells;
  }

  private boolean isHeader(String[] cells) {
    for (var i = 0; i < cells.length; i++) {
      if (!cells[i].strip().equals(names.get(i))) {
        return false;
      }
    }
    return true;
  }

  private CSVRecord read() {
    guard.begin();
    var next = lastLine + 1;
    try {
      if (!records.hasNext()) {
        return null;
      }
      var row = records.next();
      start = row.getCharacterPosition();
      lastLine = Math.max(next, parser.getCurrentLineNumber());
      line = lastLine - linesWithin(row);
      return row;
    } catch (UncheckedIOException | IllegalStateException e) {
      throw failed(input, charset, next, e);
    }
  }

  /** A row may be of several lines, and empty ones may be before it. */
  private static int linesWithin(CSVRecord row) {
    var lines = 0;
    for (var cell : row) {
      for (var i = 0; i < cell.length(); i++) {
        var c = cell.charAt(i);
        if (c == '\n' || c == '\r' && (i + 1 == cell.length() || cell.charAt(i + 1) != '\n')) {
          lines++;
        }
      }
    }
    return lines;
  }

  /** A file that another program writes meanwhile is half the one and half the other. */
  private void requireUnchanged() {
    try {
      if (!input.version().equals(version)) {
        throw new DataException(
            file + " was changed while it was read; read it again when it is whole");
      }
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  private static DataException failed(Input input, Charset charset, long line, Exception e) {
    var file = input.name();
    Throwable cause = e;
    while (cause instanceof UncheckedIOException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof CharacterCodingException) {
      return new DataException(
          "%s line %d is no %s; name its encoding, such as charset=windows-1252"
              .formatted(file, badLine(input, charset), charset),
          e);
    }
    if (cause instanceof CSVException || cause instanceof IllegalStateException) {
      return new DataException(
          "%s line %d: a quoted field is damaged: a quote within it must be written twice, and the last one be followed by a separator"
              .formatted(file, line),
          e);
    }
    if (cause instanceof TooLong) {
      return new DataException(
          "%s line %d: a row of more than %,d characters begins here; is a quote not closed?"
              .formatted(file, line, LONGEST_ROW),
          e);
    }
    if (cause instanceof IOException io) {
      return io.getMessage() != null && io.getMessage().contains("EOF")
          ? new DataException("%s line %d: a quote is not closed".formatted(file, line), e)
          : DataException.cannotRead(file, io);
    }
    return new DataException(
        "%s line %d cannot be read: %s".formatted(file, line, e.getMessage()), e);
  }

  /** The line of the first byte that is none of the encoding. */
  private static long badLine(Input file, Charset charset) {
    var line = 1L;
    try (var in = unpacked(file)) {
      var decoder = charset.newDecoder(); // which reports what it cannot decode
      var bytes = ByteBuffer.allocate(1 << 13);
      var chars = CharBuffer.allocate(1 << 13);
      for (var n = 0; n >= 0; ) {
        n = in.read(bytes.array(), bytes.position(), bytes.remaining());
        bytes.position(bytes.position() + Math.max(0, n)).flip();
        var result = decoder.decode(bytes, chars.clear(), n < 0);
        line += chars.flip().chars().filter(c -> c == '\n').count();
        if (result.isError()) {
          return line;
        }
        bytes.compact();
      }
    } catch (IOException e) {
      // as far as it can be read
    }
    return line;
  }

  /** A row of the file that would not end is refused before the memory is full. */
  private static final class TooLong extends IOException {
    private static final long serialVersionUID = 1;
  }

  private static final class Guard extends FilterReader {
    private long left = LONGEST_ROW;

    Guard(Reader in) {
      super(in);
    }

    void begin() {
      left = LONGEST_ROW;
    }

    @Override
    public int read(char[] buffer, int offset, int length) throws IOException {
      var n = super.read(buffer, offset, length);
      left -= n;
      if (left < 0) {
        throw new TooLong();
      }
      return n;
    }
  }

  /** What was read already, and then the rest. */
  private static final class Joined extends Reader {
    private final Reader first;
    private final Reader rest;

    Joined(String first, Reader rest) {
      this.first = new StringReader(first);
      this.rest = rest;
    }

    @Override
    public int read(char[] buffer, int offset, int length) throws IOException {
      var n = first.read(buffer, offset, length);
      return n > 0 ? n : rest.read(buffer, offset, length);
    }

    @Override
    public void close() throws IOException {
      rest.close();
    }
  }

  private static void close(Reader reader) {
    if (reader != null) {
      try {
        reader.close();
      } catch (IOException e) {
        // it was only read
      }
    }
  }

  @Override
  public String name() {
    return file.toString();
  }

  @Override
  public List<String> names() {
    return names;
  }

  @Override
  public int position() {
    return (int) Math.min(Integer.MAX_VALUE, line);
  }

  /**
   * At or before which character of the text behind a byte order mark the row begins that was read
   * last: empty lines may be before it.
   */
  long start() {
    return start;
  }

  /** Whether spaces around fields, also around their quotes, are none of theirs. */
  boolean spaced() {
    return spaced;
  }

  /** All of the file's text, unpacked, with its byte order mark if it has one. */
  String text() {
    try (var reader = reader(input, charset)) {
      var text = new StringBuilder();
      var buffer = new char[SNIFFED];
      for (var n = reader.read(buffer); n >= 0; n = reader.read(buffer)) {
        text.append(buffer, 0, n);
      }
      return text.toString();
    } catch (IOException e) {
      throw failed(input, charset, 1, e);
    }
  }

  /** What the file is, unpacked: bytes of this encoding. */
  Charset charset() {
    return charset;
  }

  @Override
  public String where(int position) {
    return "line " + position;
  }

  @Override
  public char separator() {
    return separator;
  }

  @Override
  public boolean header() {
    return header;
  }

  @Override
  public void close() {
    try {
      parser.close();
    } catch (IOException e) {
      // it was only read
    }
  }
}
