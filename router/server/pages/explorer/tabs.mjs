// Tabs as the ARIA pattern describes them: arrow keys move between the tabs, and one panel is visible.
// https://www.w3.org/WAI/ARIA/apg/patterns/tabs/

export function activateTabs(list) {
  const tabs = [...list.querySelectorAll('[role=tab]')];
  const select = (chosen) => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute('aria-controls')).hidden = !isChosen;
    }
  };
  const moves = { ArrowRight: 1, ArrowLeft: -1 };
  list.addEventListener('click', (event) => {
    const tab = event.target.closest('[role=tab]');
    if (tab) select(tab);
  });
  list.addEventListener('keydown', (event) => {
    const at = tabs.indexOf(event.target.closest('[role=tab]'));
    if (at < 0) return;
    let next = null;
    if (moves[event.key]) next = tabs[(at + moves[event.key] + tabs.length) % tabs.length];
    else if (event.key === 'Home') [next] = tabs;
    else if (event.key === 'End') next = tabs[tabs.length - 1];
    if (!next) return;
    event.preventDefault();
    select(next);
    next.focus();
  });
}
