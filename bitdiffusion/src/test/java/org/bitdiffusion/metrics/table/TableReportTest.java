package org.bitdiffusion.metrics.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bitdiffusion.metrics.table.Fixtures.categories;
import static org.bitdiffusion.metrics.table.Fixtures.numbers;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

class TableReportTest {
  private static final double NONE = Double.NaN;

  /** The pictures, each of which must be XML by itself. */
  private static List<Document> pictures(String html)
      throws ParserConfigurationException, IOException, SAXException {
    var pictures = new ArrayList<Document>();
    for (var start = html.indexOf("<svg"); start >= 0; start = html.indexOf("<svg", start + 1)) {
      var svg = html.substring(start, html.indexOf("</svg>", start) + 6);
      pictures.add(
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(new InputSource(new StringReader(svg))));
    }
    return pictures;
  }

  @Test
  void eachColumnHasItsPictureAndPairsHaveOne() throws Exception {
    var names = List.of("age", "<script>alert(1)</script>", "\"a' & b\"\u0000", "nothing");
    var real =
        new Table(
            names,
            List.of(
                numbers(1, 2, 3, NONE),
                categories(3, 0, 1, 1, -1),
                numbers(5, 5, 5, 5),
                numbers(NONE, NONE, NONE, NONE)));
    var measures = new LinkedHashMap<String, Double>();
    measures.put("shape", 0.5);
    measures.put("shape_of_smote", 0.25);
    measures.put("copies", NONE);
    var html =
        TableReport.html(
            "A & B", real, real, measures, (column, value) -> "</svg><b>" + column + ":" + value);
    assertThat(html)
        .contains("<title>A &amp; B</title>")
        .contains("&lt;script&gt;alert(1)&lt;/script&gt;")
        .contains("&quot;a&#39; &amp; b&quot; ")
        .contains("<td>shape</td><td>0.500</td><td>–</td><td>0.250</td><td>–</td>")
        .contains("<td>copies</td><td>–</td>")
        .doesNotContain("<script", "<b>", "\u0000", "http");
    var pictures = pictures(html);
    assertThat(pictures).hasSize(5);
    // Four times three pairs.
    assertThat(pictures.get(4).getElementsByTagName("rect").getLength()).isEqualTo(12);
    // Two bars for each of two categories, and of the missing ones.
    assertThat(pictures.get(1).getElementsByTagName("rect").getLength()).isEqualTo(6);
    var share = pictures.get(1).getElementsByTagName("title").item(0).getTextContent();
    assertThat(share).isEqualTo("0.5000");
  }

  @Test
  void manyColumnsAndValuesAreFew() throws Exception {
    var names = IntStream.range(0, 60).mapToObj(i -> "column " + i).toList();
    var codes = IntStream.range(0, 100).toArray();
    var columns = names.stream().map(name -> categories(100, codes)).toList();
    var table = new Table(names, columns);
    var html = TableReport.html("t", table, table, Map.of(), (c, value) -> "v" + (int) value);
    var pictures = pictures(html);
    assertThat(pictures).hasSize(61);
    assertThat(pictures.get(60).getElementsByTagName("rect").getLength()).isEqualTo(40 * 39);
    assertThat(pictures.get(0).getElementsByTagName("rect").getLength()).isEqualTo(2 * 12);
    assertThat(html).contains(">89 others<").contains("shown are the 40 columns");
    assertThat(html).doesNotContain("Measures");
  }
}
