"""Running a gateway for years: reload without a dropped request, several processes, a port for operators."""
