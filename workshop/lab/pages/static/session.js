// A one-time code for a part of the lab. The session's key is in this port's local storage; the cookie alone is not enough.

export async function sessionCode(part) {
  const answer = await fetch("/session/code", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Workshop-Key": localStorage.getItem("workshop-key") ?? "" },
    body: JSON.stringify({ part }),
  });
  if (answer.status === 401 || answer.status === 403) {
    location.assign("/login");
    throw new Error("the session has ended");
  }
  return (await answer.json()).code;
}
