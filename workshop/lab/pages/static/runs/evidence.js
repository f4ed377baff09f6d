// The comparison of an approval, fetched once for each: it does not change while the approval waits.
// Without this script a link opens it as a separate page.

const known = new Map();

export function showEvidence(root) {
  for (const place of root.querySelectorAll("[data-evidence]")) {
    const address = place.dataset.evidence;
    if (place.dataset.shown === address) continue;
    place.dataset.shown = address;
    if (!known.has(address)) known.set(address, load(address));
    known.get(address).then((nodes) => {
      if (nodes && place.dataset.evidence === address) place.replaceChildren(...nodes.map((one) => one.cloneNode(true)));
    });
  }
}

async function load(address) {
  try {
    const answer = await fetch(`${address}?part=evidence`);
    if (!answer.ok) return null;
    return [...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes];
  } catch {
    return null;
  }
}
