// Draws every figure.chart from its own data; the numbers stay below it as a table.
(() => {
  "use strict";
  const english = document.documentElement.lang.startsWith("en");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const colours = ["#2c5f43", "#c07a55", "#7d8f69", "#9c3f2b", "#8a7d6b", "#b99a4b"];

  const writers = {
    yuan: (value) => "¥" + (value / 100).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
    percent: (value) => (value * 100).toFixed(1) + "%",
    number: (value) => value.toLocaleString("en"),
  };
  const short = {
    yuan: (value) => {
      const yuan = value / 100;
      if (Math.abs(yuan) >= 10000) return english ? yuan / 1000 + "k" : yuan / 10000 + "万";
      return String(yuan);
    },
    percent: (value) => Math.round(value * 100) + "%",
    number: (value) => value.toLocaleString("en"),
  };

  const draw = (figure) => {
    const canvas = figure.querySelector("[data-chart]");
    const data = JSON.parse(canvas.dataset.chart);
    canvas.hidden = false;
    const units = [...new Set(data.series.map((one) => one.unit || "number"))];
    const chart = echarts.init(canvas, null, { renderer: "svg" });
    chart.setOption({
      color: colours,
      animation: false,
      aria: { enabled: true, decal: { show: true } },
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("--ink") },
      grid: { left: 8, right: 8, top: 40, bottom: 8, containLabel: true },
      legend: { top: 0, left: 0, textStyle: { color: colour("--ink") } },
      tooltip: { trigger: "axis", renderMode: "richText", confine: true },
      xAxis: { type: "category", data: data.categories, axisLine: { lineStyle: { color: colour("--line-strong") } }, axisLabel: { color: colour("--muted") } },
      yAxis: units.map((unit) => ({
        type: "value",
        splitLine: { show: unit === units[0], lineStyle: { color: colour("--line") } },
        axisLabel: { color: colour("--muted"), formatter: short[unit] },
      })),
      series: data.series.map((one) => ({
        name: one.name,
        type: one.kind || "bar",
        stack: one.stack,
        data: one.values,
        yAxisIndex: units.indexOf(one.unit || "number"),
        barMaxWidth: 28,
        symbolSize: 7,
        lineStyle: { width: 2.5 },
        tooltip: { valueFormatter: (value) => (value == null ? "—" : writers[one.unit || "number"](value)) },
      })),
    });
    figure.querySelector(".chart-numbers").open = false;
    new ResizeObserver(() => chart.resize()).observe(canvas);
  };

  if (window.echarts && !document.documentElement.classList.contains("elder")) {
    document.querySelectorAll("figure.chart").forEach(draw);
  }
})();
