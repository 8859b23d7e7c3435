// At the counter: ticked bills make the sum, what was laid down makes the change. The page
// works without it: the cashier types the sum, and the next page says what to give back.
(() => {
  "use strict";
  const form = document.getElementById("take-payment");
  if (!form) return;
  const amount = form.elements.amount_fen;
  const tendered = form.elements.tendered_fen;
  const due = form.querySelector("[data-change-due]");
  const fen = (field) => {
    const typed = field.value.replace(/[,，¥\s]/g, "");
    return /^\d+(\.\d{0,2})?$/.test(typed) ? Math.round(Number(typed) * 100) : null;
  };
  const change = () => {
    const wanted = fen(amount), given = fen(tendered);
    due.hidden = wanted === null || given === null || given < wanted;
    if (!due.hidden) due.textContent = `${due.dataset.words} ¥${((given - wanted) / 100).toFixed(2)}`;
  };
  form.querySelectorAll("input[name=bill]").forEach((box) =>
    box.addEventListener("change", () => {
      const ticked = [...form.querySelectorAll("input[name=bill]:checked")];
      const sum = ticked.reduce((total, one) => total + Number(one.dataset.fen), 0);
      if (sum) amount.value = (sum / 100).toFixed(2);
      change();
    }),
  );
  amount.addEventListener("input", change);
  tendered.addEventListener("input", change);
  change();
})();
