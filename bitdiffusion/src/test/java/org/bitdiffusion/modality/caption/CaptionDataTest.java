package org.bitdiffusion.modality.caption;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.Condition;
import org.bitdiffusion.data.Schema;
import org.bitdiffusion.data.Space;
import org.bitdiffusion.text.Tokenizer;
import org.junit.jupiter.api.Test;

class CaptionDataTest {
  private static CaptionData data(int captionsEach, int length, double jitter) {
    var source = new Pairs(captionsEach);
    var tokenizer = Tokenizer.of("words", CaptionData.captions(source), 100);
    return new CaptionData(source, tokenizer, length).jittered(new Jitter(jitter));
  }

  @Test
  void imagesAreJitteredInTrainingAloneAndCaptionsNever() {
    try (var data = data(1, 7, 0.5)) {
      var size = 3 * Pairs.SIDE * Pairs.SIDE;
      var asTheyAre = new byte[size];
      var drawn = new byte[size];
      var same = new byte[size];
      var other = new byte[size];
      data.readPixels(3, asTheyAre, 0);
      data.readPixels(3, 7, drawn, 0);
      data.readPixels(3, 7, same, 0);
      data.readPixels(3, 8, other, 0);
      assertThat(asTheyAre)
          .isEqualTo(Arrays.copyOfRange(Pairs.images().pixels(), 3 * size, 4 * size));
      assertThat(drawn).isEqualTo(same).isNotEqualTo(asTheyAre).isNotEqualTo(other);
      var tokens = new int[7];
      var again = new int[7];
      data.read(3, 7, tokens, 0);
      data.read(3, 8, again, 0);
      assertThat(tokens).isEqualTo(again);
    }
  }

  /** Of several captions the number drawn chooses one; without a draw it is the first. */
  @Test
  void oneOfTheCaptionsIsDrawn() {
    try (var data = data(2, 7, 0)) {
      var captions = data.images().captions(3);
      assertThat(captions).doesNotHaveDuplicates();
      var tokens = new int[7];
      for (var draw = -3; draw <= 3; draw++) {
        data.read(3, draw, tokens, 0);
        assertThat(data.tokenizer().decode(tokens, 0, 7))
            .isEqualTo(captions.get(Math.abs(draw) % 2));
      }
      data.read(3, tokens, 0);
      assertThat(data.tokenizer().decode(tokens, 0, 7)).isEqualTo(captions.get(0));
    }
  }

  @Test
  void theSchemaSaysWhatIsNeededWithoutTheData() {
    try (var data = data(1, 7, 0)) {
      var tokenizer = data.tokenizer();
      assertThat(data.schema())
          .isEqualTo(
              new Schema(
                  Space.of(List.of(1, 7), tokenizer.vocabulary()),
                  new Condition.Pixels(3, 8, 8),
                  tokenizer.end(),
                  Map.of()));
      assertThat(data.warning()).isEmpty();
    }
  }

  @Test
  void captionsThatAreCutAreCounted() {
    try (var data = data(1, 4, 0)) {
      var most = Pairs.expected().stream().filter(caption -> caption.split(" ").length > 3).count();
      assertThat(most).isPositive();
      assertThat((long) data.cut()).isEqualTo(most);
      assertThat(data.warning())
          .isEqualTo(most + " captions are longer than modality.length 4 and are cut");
    }
  }

  @Test
  void anImageWithoutACaptionIsNamed() {
    assertThatThrownBy(() -> data(0, 7, 0))
        .isInstanceOf(DataException.class)
        .hasMessage("pairs: image 0 has no caption; take a source of which all images have some");
  }
}
