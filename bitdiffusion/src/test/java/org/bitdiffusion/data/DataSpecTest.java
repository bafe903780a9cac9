package org.bitdiffusion.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.bitdiffusion.ConfigurationException;

class DataSpecTest {
  @Example
  void readsSourcePathAndOptionsInOrder() {
    var spec = DataSpec.parse("images:my photos,size=64,color=grey");
    assertThat(spec.source()).isEqualTo("images");
    assertThat(spec.path()).isEqualTo("my photos");
    assertThat(spec.options()).containsExactly(Map.entry("size", "64"), Map.entry("color", "grey"));

    assertThat(DataSpec.parse("icons").path()).isNull();
    assertThat(DataSpec.parse("icons").options()).isEmpty();
  }

  @Example
  void pathsMayHoldCommasColonsAndEqualsSigns() {
    var spec = DataSpec.parse("idx:C:\\a,b\\x=1,2,split=test");
    assertThat(spec.path()).isEqualTo("C:\\a,b\\x=1,2");
    assertThat(spec.options()).containsExactly(Map.entry("split", "test"));
  }

  @Property(tries = 300)
  void theLineSaysAll(
      @ForAll("paths") String path, @ForAll("options") Map<String, String> options) {
    var spec = new DataSpec("images", path.isEmpty() ? null : path, options);
    assertThat(DataSpec.parse(spec.toString())).isEqualTo(spec);
    assertThat(DataSpec.parse(spec.toString()).options().keySet())
        .containsExactlyElementsOf(options.keySet());
  }

  @Provide
  Arbitrary<String> paths() {
    return Arbitraries.strings()
        .withChars("ab/:=,. \\é")
        .ofMaxLength(12)
        .filter(path -> !path.matches(".*,[a-z_]+=[^,]*"));
  }

  @Provide
  Arbitrary<Map<String, String>> options() {
    var keys = Arbitraries.strings().withChars("abc_").ofMinLength(1).ofMaxLength(4);
    var values = Arbitraries.strings().withChars("ab1:=. ").ofMaxLength(4);
    return Arbitraries.maps(keys, values).ofMaxSize(4);
  }

  @Example
  void changesAnOption() {
    assertThat(DataSpec.parse("icons,size=24,levels=2").with("size", "32"))
        .hasToString("icons,size=32,levels=2");
    assertThat(DataSpec.parse("images:x").with("skip_bad", "true"))
        .hasToString("images:x,skip_bad=true");
  }

  @Example
  void saysWhatIsWrong() {
    for (var line : new String[] {"icons,size", ""}) {
      assertThatThrownBy(() -> DataSpec.parse(line))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage(
              "data '"
                  + line
                  + "' is not of the form SOURCE[:PATH][,key=value...], such as icons,size=24 or images:photos,size=64");
    }
    assertThatThrownBy(() -> DataSpec.parse("images:,size=3"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("data images has an empty path; write images:PATH");
    assertThatThrownBy(() -> DataSpec.parse("icons,size=24,size=32"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("data 'icons,size=24,size=32': option size is given twice");
    // Could not be read back from its own line.
    assertThatThrownBy(() -> new DataSpec("images", "a,size=3", Map.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("data path 'a,size=3' ends like an option; rename it");
    assertThatThrownBy(() -> new DataSpec("images", "a", Map.of("size", "1,2")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("data option 'size=1,2' is not of the form key=value");
  }

  /** Tens of thousands of options took hundreds of MB, and hours from a configuration of 1 MiB. */
  @Example
  void endlessLinesAreRefused() {
    var line = "icons" + ",a=".repeat(300_000);
    assertThatThrownBy(() -> DataSpec.parse(line))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("data '%s...' is longer than 8,192 characters", line.substring(0, 40));
    var longest = "images:" + "a".repeat(8192 - "images:".length());
    assertThat(DataSpec.parse(longest)).hasToString(longest);
  }
}
