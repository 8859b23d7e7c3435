// What is chosen so far, summed as one ticks. Without it, the next page says the same.
(() => {
  const line = document.querySelector("[data-total]");
  if (!line) return;
  const form = document.querySelector("form.form");
  const figure = line.querySelector("[data-total-figure]");
  const yuan = (fen) =>
    "¥" + (fen / 100).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const part = form.querySelector("[name=amount_fen]");
  const monthly = (option) => {
    const found = /[\d,]+\.\d\d/.exec(option.textContent);
    return found && option.value ? Math.round(Number(found[0].replaceAll(",", "")) * 100) : 0;
  };
  const sum = () => {
    let fen = 0;
    form.querySelectorAll("[name=bills]:checked:not(:disabled)").forEach((one) => {
      fen += Number(one.dataset.fen);
    });
    form.querySelectorAll("[name=ahead]").forEach((one) => {
      fen += monthly(one.selectedOptions[0]);
    });
    const typed = part && Number(part.value.replaceAll(",", ""));
    figure.textContent = yuan(typed > 0 ? Math.round(typed * 100) : fen);
    line.hidden = false;
  };
  form.addEventListener("input", sum);
  sum();
})();
