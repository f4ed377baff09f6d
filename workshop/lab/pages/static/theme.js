// Before anything is drawn: the colour theme that was chosen, and no token in the address bar.
const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
if (location.hash.startsWith("#token=")) history.replaceState(null, "", location.pathname + location.search);
