from mosafe.cli import main

main()
