from hevesy.config.cli import main

main()
