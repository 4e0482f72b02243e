"""What a project declares: modules, imports, mapped classes, constants and function signatures."""
