// The buttons of the board: a request for help is marked as done. live.js then shows the board without it.

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-helped]");
  if (!button) return;
  button.disabled = true;
  try {
    const answer = await fetch(`/board/helped/${encodeURIComponent(button.dataset.helped)}`, { method: "POST" });
    if (!answer.ok) throw new Error((await answer.json()).error ?? `the lab answers ${answer.status}`);
    document.dispatchEvent(new CustomEvent("refresh"));
  } catch (error) {
    button.textContent = error.message;
  }
});
