// Follows the system's choice of light or dark, before the page is drawn. Swagger UI has dark colours for this class.
{
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
  dark.addEventListener('change', follow);
  follow();
}
