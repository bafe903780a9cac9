package org.bitdiffusion.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.io.Png;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VisibleTest extends CommandTest {
  private static final String EVIL = "\u001b[31mevil\u0007\nbitdiff: done";
  private static final String SHOWN = "\\x1b[31mevil\\x07\\nbitdiff: done";

  @Test
  void controlsAreShown() {
    assertThat(Visible.of(EVIL)).isEqualTo(SHOWN);
    assertThat(Visible.of("a\tb\rc\u007fd\u009be\u202ef\u2028"))
        .isEqualTo("a\\tb\\rc\\u007fd\\u009be\\u202ef\\u2028");
    assertThat(Visible.of("Ä 日本 👩‍🚀 \\n")).isEqualTo("Ä 日本 👩‍🚀 \\n");
  }

  @Test
  void noReportPassesAControlOn() {
    var text = new StringWriter();
    var out = new VisibleWriter(new PrintWriter(text, true));
    out.println(EVIL);
    out.printf("%s %d %5.2f%n", Path.of(EVIL), 7, 1.5);
    out.printf(java.util.Locale.ROOT, "%s%n", List.of(EVIL));
    out.println(new IllegalStateException(EVIL));
    assertThat(text.toString().chars().filter(c -> c < 32)).containsOnly((int) '\n');
    assertThat(text.toString().lines())
        .containsExactly(
            SHOWN,
            SHOWN + " 7  1.50",
            "[" + SHOWN + "]",
            "java.lang.IllegalStateException: \\x1b[31mevil\\x07",
            "bitdiff: done");
  }

  @Test
  void noLoggedLinePassesAControlOn() {
    var bytes = new ByteArrayOutputStream();
    new VisibleStream(new PrintStream(bytes, true, UTF_8)).println("WARN " + EVIL);
    assertThat(bytes.toString(UTF_8)).isEqualTo("WARN " + SHOWN + System.lineSeparator());
  }

  @Test
  void jsonStaysJson() throws IOException {
    var text = new StringWriter();
    var name = EVIL + "\u009b\u202e\u007f";
    new VisibleWriter(new PrintWriter(text, true)).println(Json.line(Map.of("name", name)));
    assertThat(new ObjectMapper().readTree(text.toString()).path("name").textValue())
        .isEqualTo(name);
  }

  @Test
  void aKeyOfAConfigurationIsShown() throws IOException {
    var file =
        Files.writeString(
            folder.resolve("ansi.yaml"), "data: icons,size=8,levels=2\n\"\\e[31mevil\\a\\n\": 1\n");
    assertThat(run("train", "--config", file, "--out", folder.resolve("r"))).isEqualTo(2);
    assertThat(err.toString()).contains("'\\x1b[31mevil\\x07\\n' is no setting").hasLineCount(1);
    assertThat(run("--debug", "train", "--config", file, "--out", folder.resolve("r"))).isNotZero();
    assertThat(err.toString()).doesNotContain("\u001b", "\u0007");
  }

  @Test
  void aClassIsShown() throws IOException {
    var evil = Files.createDirectories(folder.resolve("images").resolve(EVIL));
    Files.write(evil.resolve("a.png"), Png.of(new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB)));
    var source = "images:" + folder.resolve("images") + ",size=8";
    assertThat(run("data", source, "--out", folder.resolve("a.npy"))).as(err.toString()).isZero();
    assertThat(out.toString()).contains("  class 0 " + SHOWN + ": 1\n");
    assertThat(run("data", "images:" + evil + "/none,size=8", "--out", folder.resolve("b.npy")))
        .isNotZero();
    assertThat(err.toString()).contains(SHOWN).hasLineCount(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"=1+1", "+1", "-1", "@SUM(A1)", " =1", "\uff1d1", "=\"a\",b", "=\u001b\n"})
  void noCellIsAFormula(String name) {
    assertThat(StudyReport.quoted(name).replaceFirst("^\"", "")).startsWith("'");
    assertThat(StudyReport.quoted("a" + name).replaceFirst("^\"", "")).startsWith("a");
  }

  @Test
  void aCellIsOneLineWithoutControls() {
    assertThat(StudyReport.quoted(EVIL + "\r\n=1"))
        .isEqualTo(Visible.of(EVIL + "\r\n=1"))
        .doesNotContain("\n", "\r", "\u001b");
    assertThat(StudyReport.quoted("\t=1")).isEqualTo("\\t=1"); // no formula any more
  }

  /** As of `bitdiff info | head -1`; a full disk is told all the same. */
  @Test
  void aReaderWhoHasSeenEnoughIsNoFailure() throws IOException {
    for (var reason : List.of("Broken pipe", "No space left on device")) {
      var written = new ByteArrayOutputStream();
      var pipe =
          new OutputStream() {
            @Override
            public void write(int b) throws IOException {
              if (written.size() == 2) {
                throw new IOException(reason);
              }
              written.write(b);
            }
          };
      var out = new PrintStream(new UntilClosed(pipe), true);
      out.print("abcd");
      out.print("efgh");
      assertThat(written.toString()).isEqualTo("ab");
      assertThat(out.checkError()).isEqualTo(!reason.equals("Broken pipe"));
    }
  }

  /** As to /dev/full. */
  @Test
  void anOutputThatCannotBeWrittenIsAFailure() {
    var full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("No space left on device");
          }
        };
    var said = new StringWriter();
    assertThat(
            Main.run(
                new String[] {"--version"},
                new PrintWriter(new PrintStream(full, true, UTF_8), true),
                new PrintWriter(said, true)))
        .isEqualTo(1);
    assertThat(said.toString())
        .isEqualTo(
            "bitdiff: the standard output cannot be written, and what was said there is lost\n");
  }
}
