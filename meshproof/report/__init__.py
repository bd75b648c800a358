"""The record of a run (``report.json``) and the views of it: HTML, terminal, Allure."""
