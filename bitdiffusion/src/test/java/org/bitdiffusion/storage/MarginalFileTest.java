package org.bitdiffusion.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.Marginal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MarginalFileTest {
  @TempDir Path folder;

  @Test
  void comesBack() {
    var marginals =
        List.of(
            Marginal.of(3, 0, 5),
            Marginal.of(1 << 30, new int[] {0, 7, 1 << 29}, new long[] {1L << 40, 0, 2}));
    MarginalFile.write(folder, marginals);
    assertThat(MarginalFile.read(folder)).isEqualTo(marginals);
    MarginalFile.write(folder, List.of());
    assertThat(folder).isEmptyDirectory();
    assertThat(MarginalFile.read(folder)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"categories\":3,\"starts\":[0,3],\"counts\":[1,1]}",
        "{\"categories\":3,\"starts\":[0]}",
        "{\"categories\":3,\"starts\":null,\"counts\":[1]}",
        "{\"categories\":3,\"starts\":[0],\"counts\":[1]} 1",
        "null",
        "",
        "{\"categories\":3,\"star"
      })
  void aDamagedOneSaysSo(String line) throws IOException {
    Files.writeString(
        folder.resolve("marginals.json"),
        "{\"categories\":3,\"starts\":[0],\"counts\":[1]}\n" + line + "\n");
    assertThatThrownBy(() -> MarginalFile.read(folder))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("marginals.json line 2 is damaged");
  }
}
