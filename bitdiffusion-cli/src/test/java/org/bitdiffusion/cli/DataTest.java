package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

class DataTest extends CommandTest {
  /** What is packed is the source itself, read without its options. */
  @Test
  void packsASourceThatIsThenRead() throws IOException {
    var pack = folder.resolve("icons.pack");
    assertThat(run("data", "icons,size=8,levels=4,subset=70", "--out", pack))
        .as(err.toString())
        .isZero();
    assertThat(out.toString())
        .contains("70 examples of shape [1, 8, 8], K = 4")
        .endsWith("packed into %s%n".formatted(pack));
    var packed = folder.resolve("packed.npy");
    var direct = folder.resolve("direct.npy");
    assertThat(run("data", "packed:" + pack, "--out", packed)).as(err.toString()).isZero();
    assertThat(run("data", "icons,size=8,levels=4,subset=70", "--out", direct)).isZero();
    assertThat(packed).hasSameBinaryContentAs(direct);
  }

  /** Which of its captions are true is known to the scenes themselves alone. */
  @Test
  void scenesAreNotPacked() {
    var pack = folder.resolve("a.pack");
    assertThat(run("data", "scenes,count=3", "--out", pack)).isEqualTo(2);
    assertThat(err.toString()).contains("which captions are true of an image; use it as it is");
    assertThat(pack).doesNotExist();
  }

  @Test
  void packsNeitherAPartNorOverItself() throws IOException {
    var pack = folder.resolve("a.pack");
    assertThat(run("data", "icons,size=8", "--n", 3, "--out", pack)).isEqualTo(2);
    assertThat(err.toString()).contains("subset=N");
    assertThat(pack).doesNotExist();
    assertThat(run("data", "icons,size=8,subset=3", "--out", pack)).isZero();
    var before = Files.readAllBytes(pack);
    assertThat(run("data", "packed:" + pack, "--out", pack)).isEqualTo(2);
    assertThat(err.toString()).contains("which is read here, and would be lost");
    assertThat(Files.readAllBytes(pack)).isEqualTo(before);
  }
}
