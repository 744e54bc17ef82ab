"""Engines that run compiled statements; nothing else knows one."""
