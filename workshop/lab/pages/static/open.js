// Opens another part of the lab with a one-time code.
import { sessionCode } from "./session.js";

const link = document.getElementById("open");
const code = await sessionCode(link.dataset.part);
// The browser keeps the fragment over redirects; MLflow's pages are fragments.
location.replace(`${link.dataset.login}?${new URLSearchParams({ code, next: link.dataset.next })}` + location.hash);
